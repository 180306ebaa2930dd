"""A client with a key for one experiment and one model; its key in the environment, as token or as password."""

import os

from checks import MARK, check, client, done, log_folder, mlflow, refused, section
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LogisticRegression

OWN, FOREIGN = os.environ["OWN"], os.environ["FOREIGN"]
FOREIGN_RUN = os.environ["FOREIGN_RUN"]
DENIED = "PERMISSION_DENIED: …"


@section
def bound():
    mlflow.set_experiment(OWN)
    with mlflow.start_run() as run:
        mlflow.log_metric("auc", 0.9)
        mlflow.log_text("hello", "notes/a.txt")
    log_folder(run.info.run_id, LogisticRegression().fit([[0.0, 1.0], [1.0, 0.0]], [0, 1]))
    check("key: its own run", 0.9, client.get_run(run.info.run_id).data.metrics["auc"])
    check("key: its own file", "hello", mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notes/a.txt"))
    try:
        client.create_registered_model(OWN)
    except MlflowException as error:
        # Another program made it before.
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    version = client.create_model_version(OWN, f"{run.info.artifact_uri}/model", run.info.run_id)
    check("key: its own version", "READY", version.status)
    model = mlflow.sklearn.load_model(f"models:/{OWN}/{version.version}")
    check("key: its own model", 0, int(model.predict([[0.0, 1.0]])[0]))

    check("key: finds its own experiment", [OWN], [one.name for one in client.search_experiments()])
    check("key: finds its own model", {OWN}, {one.name for one in client.search_registered_models()})
    refused("key: another experiment", DENIED, lambda: client.get_experiment_by_name(FOREIGN))
    refused("key: another run", DENIED, lambda: client.get_run(FOREIGN_RUN))
    refused("key: a metric for another run", DENIED, lambda: client.log_metric(FOREIGN_RUN, "auc", 1.0))
    refused("key: files of another run", DENIED, lambda: client.list_artifacts(FOREIGN_RUN))
    refused("key: a new experiment", DENIED, lambda: client.create_experiment(f"new-{MARK}"))
    refused("key: another model", DENIED, lambda: client.create_registered_model(f"new-{MARK}"))
    refused("key: a version of another run", DENIED, lambda: client.create_model_version(OWN, f"runs:/{FOREIGN_RUN}/model", FOREIGN_RUN))


done()
