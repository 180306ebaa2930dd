"""Models of scikit-learn logged, loaded by every kind of address, evaluated; a model of three libraries by autolog."""

import tempfile
import time

import mlflow.lightgbm
import mlflow.sklearn
import mlflow.xgboost
import numpy
import pandas
from checks import IS_3, MARK, check, client, done, mlflow, section
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

RANDOM = numpy.random.default_rng(7)
FRAME = pandas.DataFrame(RANDOM.normal(size=(200, 4)), columns=["age", "visits", "spend", "rate"])
LABELS = (FRAME["age"] + FRAME["spend"] > 0).astype(int)
EXPERIMENT = mlflow.set_experiment(f"models-{MARK}").experiment_id
NAME = f"churn-{MARK}"


def logged(model, **arguments):
    """Both clients' words for where a model is kept."""
    place = {"name": "model"} if IS_3 else {"artifact_path": "model"}
    signature = infer_signature(FRAME, model.predict(FRAME))
    # To find what it needs takes the client 10 s, which says nothing of a server.
    return mlflow.sklearn.log_model(model, **place, signature=signature, pip_requirements=["scikit-learn"], **arguments)


def same(what, model, uri):
    start = time.monotonic()
    loaded = mlflow.sklearn.load_model(uri)
    check(f"{what}: predicts the same", model.predict_proba(FRAME).tolist(), loaded.predict_proba(FRAME).tolist())
    check(f"{what}: at once", True, time.monotonic() - start < 20)


def of_model(model_id, run):
    found = mlflow.get_logged_model(model_id)
    check("logged model: fields", ("model", "READY", run.info.run_id, EXPERIMENT),
          (found.name, found.status.value, found.source_run_id, found.experiment_id))
    check("logged model: params of its run", {"trees": "5"}, found.params)
    check("run: its model", [model_id], [output.model_id for output in client.get_run(run.info.run_id).outputs.model_outputs])
    with mlflow.start_run(run_id=run.info.run_id):
        mlflow.log_metric("later", 0.5, model_id=model_id)
    metrics = {metric.key: metric for metric in mlflow.get_logged_model(model_id).metrics}
    check("logged model: metric of its run", 0.5, metrics["later"].value)
    client.set_logged_model_tags(model_id, {"stage": "test", "gone": "1"})
    client.delete_logged_model_tag(model_id, "gone")
    tags = mlflow.get_logged_model(model_id).tags
    check("logged model: tags", ("test", False), (tags["stage"], "gone" in tags))
    check("logged model: knows its version", True, NAME in tags["mlflow.modelVersions"])
    found = client.search_logged_models([EXPERIMENT], "params.trees = '5' AND metrics.later > 0.4")
    check("logged model: found", [model_id], [one.model_id for one in found])
    made = mlflow.initialize_logged_model(name="external")
    mlflow.finalize_logged_model(made.model_id, "FAILED")
    check("logged model: failed", "FAILED", client.get_logged_model(made.model_id).status.value)
    client.delete_logged_model(made.model_id)
    check("logged model: deleted", [model_id], [one.model_id for one in client.search_logged_models([EXPERIMENT])])


@section
def log_and_load():
    model = RandomForestClassifier(n_estimators=5, max_depth=4, random_state=0).fit(FRAME, LABELS)
    with mlflow.start_run() as run:
        mlflow.log_param("trees", 5)
        mlflow.log_metric("auc", 0.9, step=3)
        info = logged(model, registered_model_name=NAME, input_example=FRAME[:3], serialization_format="pickle")
    version = client.get_model_version(NAME, "1")
    check("version: ready, of its run", ("READY", run.info.run_id), (version.status, version.run_id))
    if IS_3:
        check("version: its source is the logged model", f"models:/{info.model_id}", version.source)
    client.set_registered_model_alias(NAME, "champion", "1")
    same("by alias", model, f"models:/{NAME}@champion")
    same("by number", model, f"models:/{NAME}/1")
    same("by run", model, f"runs:/{run.info.run_id}/model")
    same("latest", model, f"models:/{NAME}/latest")
    same("as it says", model, info.model_uri)
    universal = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    check("by pyfunc", model.predict(FRAME).tolist(), universal.predict(FRAME).tolist())
    read = mlflow.models.get_model_info(f"models:/{NAME}/1")
    check("model: signature", ["age", "visits", "spend", "rate"], read.signature.inputs.input_names())
    check("model: example", 3, len(mlflow.pyfunc.load_model(f"models:/{NAME}/1").input_example))
    files = mlflow.artifacts.list_artifacts(run_id=run.info.run_id, artifact_path="model")
    check("model: files are seen from the run", True, "model/MLmodel" in [file.path for file in files])
    if IS_3:
        of_model(info.model_id, run)


@section
def skops():
    if not IS_3:
        return
    model = LogisticRegression().fit(FRAME, LABELS)
    with mlflow.start_run():
        info = logged(model)
    check("skops is the default", "skops", mlflow.models.Model.load(info.model_uri).flavors["sklearn"]["serialization_format"])
    same("skops", model, info.model_uri)


@section
def register_later():
    model = LogisticRegression().fit(FRAME, LABELS)
    with mlflow.start_run() as run:
        info = logged(model, serialization_format="pickle")
    version = mlflow.register_model(info.model_uri, NAME, tags={"why": "better"})
    check("register: the next number", ("2", "READY"), (str(version.version), version.status))
    check("register: tags", "better", client.get_model_version(NAME, "2").tags["why"])
    again = mlflow.register_model(f"runs:/{run.info.run_id}/model", NAME)
    check("register: from a run", ("3", run.info.run_id), (str(again.version), again.run_id))
    same("registered later", model, f"models:/{NAME}/3")
    copied = client.copy_model_version(f"models:/{NAME}/2", f"{NAME}-copy")
    check("copy: a version of its own", ("1", f"models:/{NAME}/2"), (str(copied.version), copied.source))
    same("a copy", model, f"models:/{NAME}-copy/1")


@section
def evaluate():
    model = LogisticRegression().fit(FRAME, LABELS)
    with mlflow.start_run():
        info = logged(model, serialization_format="pickle")
    table = FRAME.assign(label=LABELS)
    with mlflow.start_run() as run:
        result = mlflow.models.evaluate(info.model_uri, table, targets="label", model_type="classifier",
                                        evaluator_config={"log_explainer": False, "log_model_explainability": False})
    check("evaluate: accuracy", model.score(FRAME, LABELS), result.metrics["accuracy_score"])
    run = client.get_run(run.info.run_id)
    check("evaluate: logged", result.metrics["roc_auc"], run.data.metrics["roc_auc"])
    names = [file.path for file in client.list_artifacts(run.info.run_id)]
    check("evaluate: plots", True, "confusion_matrix.png" in names and "roc_curve_plot.png" in names)


@section
def autolog_sklearn():
    mlflow.sklearn.autolog(serialization_format="pickle", log_datasets=True, registered_model_name=f"{NAME}-auto")
    with mlflow.start_run() as run:
        model = RandomForestClassifier(n_estimators=4, random_state=1).fit(FRAME, LABELS)
        score = model.score(FRAME, LABELS)
    mlflow.sklearn.autolog(disable=True)
    data = client.get_run(run.info.run_id).data
    check("autolog scikit-learn: params", ("4", "1"), (data.params["n_estimators"], data.params["random_state"]))
    check("autolog scikit-learn: metrics", True, data.metrics["training_accuracy_score"] == model.score(FRAME, LABELS))
    check("autolog scikit-learn: score", True, score in data.metrics.values())
    check("autolog scikit-learn: dataset", 1, len(client.get_run(run.info.run_id).inputs.dataset_inputs))
    same("autolog scikit-learn", model, f"runs:/{run.info.run_id}/model")
    same("autolog scikit-learn, registered", model, f"models:/{NAME}-auto/1")


@section
def autolog_xgboost():
    import xgboost

    mlflow.xgboost.autolog()
    rows = xgboost.DMatrix(FRAME, LABELS)
    with mlflow.start_run() as run:
        booster = xgboost.train({"max_depth": 3, "objective": "binary:logistic"}, rows, 12, evals=[(rows, "train")], verbose_eval=False)
    mlflow.xgboost.autolog(disable=True)
    data = client.get_run(run.info.run_id).data
    check("autolog XGBoost: params", ("3", "12"), (data.params["max_depth"], data.params["num_boost_round"]))
    history = client.get_metric_history(run.info.run_id, "train-logloss")
    check("autolog XGBoost: a point each round", list(range(12)), [point.step for point in history])
    loaded = mlflow.xgboost.load_model(f"runs:/{run.info.run_id}/model")
    check("autolog XGBoost: predicts the same", booster.predict(rows).tolist(), loaded.predict(rows).tolist())
    files = [file.path for file in client.list_artifacts(run.info.run_id)]
    check("autolog XGBoost: importance", True, "feature_importance_weight.json" in files)


@section
def autolog_lightgbm():
    import lightgbm

    mlflow.lightgbm.autolog()
    rows = lightgbm.Dataset(FRAME, LABELS)
    with mlflow.start_run() as run:
        booster = lightgbm.train({"objective": "binary", "verbosity": -1, "num_leaves": 7}, rows, 9, valid_sets=[rows], valid_names=["train"])
    mlflow.lightgbm.autolog(disable=True)
    data = client.get_run(run.info.run_id).data
    check("autolog LightGBM: params", ("7", "9"), (data.params["num_leaves"], data.params["num_boost_round"]))
    history = client.get_metric_history(run.info.run_id, "train-binary_logloss")
    check("autolog LightGBM: a point each round", list(range(9)), [point.step for point in history])
    loaded = mlflow.lightgbm.load_model(f"runs:/{run.info.run_id}/model")
    check("autolog LightGBM: predicts the same", booster.predict(FRAME).tolist(), loaded.predict(FRAME).tolist())


@section
def own_code():
    class Doubles(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input * 2

    with tempfile.TemporaryDirectory() as folder, mlflow.start_run():
        with open(f"{folder}/words.txt", "w") as file:
            file.write("a")
        place = {"name": "own"} if IS_3 else {"artifact_path": "own"}
        info = mlflow.pyfunc.log_model(**place, python_model=Doubles(), artifacts={"words": f"{folder}/words.txt"})
    check("a model of own code", [[2.0, 4.0]], mlflow.pyfunc.load_model(info.model_uri).predict(numpy.array([[1.0, 2.0]])).tolist())


done()
