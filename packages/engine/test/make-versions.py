"""Writes fixtures/versions: small models of the scikit-learn that runs this, and that library's own answers.

    for version in 0.20.4 0.21.3 0.22.2.post1 0.23.2 0.24.2 1.0.2; do          # Python 3.7
        python3.7 -m venv v && v/bin/pip install scikit-learn==$version "numpy<1.22" pandas pytest Cython
        v/bin/python make-versions.py fixtures/versions; rm -r v
    done                                        # 1.1.3 (Python 3.9), 1.4.2, 1.6.1, 1.7.2 (3.11), 1.8.0, 1.9.1 (3.13) likewise

One file holds a dictionary of fitted models, compressed by joblib; the JSON beside it, for each of them, its rows, the
answers of every method it has, and the rows it raises on. A model that a version cannot make is left out.
"""

import importlib
import inspect
import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse
import sklearn

try:
    from sklearn.externals import joblib  # what wrote files up to 0.20

    joblib.dump
except (ImportError, AttributeError):
    import joblib

warnings.simplefilter("ignore")
np.seterr(all="ignore")

METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples", "transform"]
RENAMED = {"sparse_output": "sparse", "estimator": "base_estimator"}
random = np.random.RandomState(5)
LEVELS = np.array(["basic", "plus", "pro"])


def sk(name, **options):
    """`linear_model.Ridge` and its parameters, under the names they had in this version."""
    package, kind = name.rsplit(".", 1)
    for gate in ("enable_hist_gradient_boosting", "enable_iterative_imputer"):
        try:
            importlib.import_module("sklearn.experimental." + gate)
        except ImportError:
            pass
    kind = getattr(importlib.import_module("sklearn." + package), kind)
    known = inspect.signature(kind).parameters
    return kind(**{key if key in known else RENAMED.get(key, key): value for key, value in options.items()})


def numbers():
    X = np.round(random.normal(size=(130, 4)) * [1, 2, 5, 0.5], 2)
    score = X[:, 0] + X[:, 1] / 2 - X[:, 3] + random.normal(size=130) / 2
    return X, score


X, SCORE = numbers()
TWO = (SCORE > 0.1).astype(int)
THREE = LEVELS[np.digitize(SCORE, [-0.7, 0.7])]
FRAME = pd.DataFrame({"age": X[:, 0], "plan": LEVELS[random.randint(0, 3, 130)], "spend": X[:, 2], "unused": X[:, 3]})
COUNTS = np.round(np.abs(X) * 3)
HELD = slice(100, 108)


def stump():
    return sk("tree.DecisionTreeClassifier", max_depth=2, random_state=1)


def logistic(**options):
    return sk("linear_model.LogisticRegression", C=0.7, solver="liblinear", **options)


def logistic_several():
    return sk("linear_model.LogisticRegression", C=0.7, max_iter=300)


def columns(**options):
    numeric = sk("pipeline.Pipeline", steps=[("fill", sk("impute.SimpleImputer")), ("scale", sk("preprocessing.StandardScaler"))])
    text = sk("preprocessing.OneHotEncoder", handle_unknown="ignore")
    return sk("compose.ColumnTransformer", transformers=[("numbers", numeric, ["age", "spend"]), ("text", text, ["plan"])], **options)


def chain(*steps):
    return sk("pipeline.Pipeline", steps=[("step%d" % i, step) for i, step in enumerate(steps)])


CASES = {
    "tree": (X, THREE, stump),
    "forest": (X, THREE, lambda: sk("ensemble.RandomForestClassifier", n_estimators=3, max_depth=3, random_state=1)),
    "forest-regression": (X, SCORE, lambda: sk("ensemble.RandomForestRegressor", n_estimators=3, max_depth=3, random_state=1)),
    "bagging": (X, THREE, lambda: sk("ensemble.BaggingClassifier", estimator=stump(), n_estimators=3, random_state=1)),
    "bagging-bayes": (X, THREE, lambda: sk("ensemble.BaggingClassifier", estimator=sk("naive_bayes.GaussianNB"), n_estimators=3, random_state=1)),
    "boosting": (X, TWO, lambda: sk("ensemble.GradientBoostingClassifier", n_estimators=3, max_depth=2, random_state=1)),
    "boosting-three": (X, THREE, lambda: sk("ensemble.GradientBoostingClassifier", n_estimators=2, max_depth=2, random_state=1)),
    "boosting-regression": (X, SCORE, lambda: sk("ensemble.GradientBoostingRegressor", n_estimators=3, max_depth=2, random_state=1)),
    "boosting-quantile": (X, SCORE, lambda: sk("ensemble.GradientBoostingRegressor", loss="quantile", n_estimators=3, max_depth=2, random_state=1)),
    "boosting-exponential": (X, TWO, lambda: sk("ensemble.GradientBoostingClassifier", loss="exponential", n_estimators=3, max_depth=2, random_state=1)),
    "hist-boosting": (X, TWO, lambda: sk("ensemble.HistGradientBoostingClassifier", max_iter=3, max_leaf_nodes=5, min_samples_leaf=8)),
    "hist-boosting-three": (X, THREE, lambda: sk("ensemble.HistGradientBoostingClassifier", max_iter=2, max_leaf_nodes=5, min_samples_leaf=8)),
    "hist-boosting-categories": (COUNTS, TWO, lambda: sk("ensemble.HistGradientBoostingClassifier", max_iter=3, max_leaf_nodes=5, min_samples_leaf=8, categorical_features=[0, 2])),
    "ada-boost": (X, THREE, lambda: sk("ensemble.AdaBoostClassifier", estimator=stump(), algorithm="SAMME", n_estimators=3, random_state=1)),
    "ada-boost-default": (X, TWO, lambda: sk("ensemble.AdaBoostClassifier", n_estimators=3, random_state=1)),
    "isolation": (X, None, lambda: sk("ensemble.IsolationForest", n_estimators=4, max_samples=32, random_state=1)),
    "logistic": (X, TWO, logistic),
    "one-versus-rest": (X, THREE, lambda: sk("multiclass.OneVsRestClassifier", estimator=logistic())),
    "one-versus-one": (X, THREE, lambda: sk("multiclass.OneVsOneClassifier", estimator=logistic())),
    "linear-discriminant": (X, THREE, lambda: sk("discriminant_analysis.LinearDiscriminantAnalysis")),
    "quadratic-discriminant": (X, TWO, lambda: sk("discriminant_analysis.QuadraticDiscriminantAnalysis")),
    "nearest-centroid": (X, THREE, lambda: sk("neighbors.NearestCentroid")),
    "neighbours": (X, THREE, lambda: sk("neighbors.KNeighborsClassifier", n_neighbors=3)),
    "gaussian-bayes": (X, THREE, lambda: sk("naive_bayes.GaussianNB")),
    "multinomial-bayes": (COUNTS, THREE, lambda: sk("naive_bayes.MultinomialNB")),
    "bernoulli-bayes": (COUNTS, THREE, lambda: sk("naive_bayes.BernoulliNB", binarize=2.0)),
    "complement-bayes": (COUNTS, THREE, lambda: sk("naive_bayes.ComplementNB")),
    "sgd-huber": (X, THREE, lambda: sk("linear_model.SGDClassifier", loss="modified_huber", alpha=0.1, random_state=1)),
    "ridge-classifier": (X, THREE, lambda: sk("linear_model.RidgeClassifier")),
    "machine": (X, THREE, lambda: sk("svm.SVC", gamma=0.2)),
    "machine-probability": (X, TWO, lambda: sk("svm.SVC", gamma=0.2, probability=True, random_state=1)),
    "network": (X, THREE, lambda: sk("neural_network.MLPClassifier", hidden_layer_sizes=(3,), max_iter=20, random_state=1)),
    "dummy": (X, THREE, lambda: sk("dummy.DummyClassifier", strategy="most_frequent")),
    "calibrated": (X, TWO, lambda: sk("calibration.CalibratedClassifierCV", estimator=sk("naive_bayes.GaussianNB"), cv=2)),
    "calibrated-isotonic": (X, TWO, lambda: sk("calibration.CalibratedClassifierCV", estimator=stump(), method="isotonic", cv=2)),
    "calibrated-temperature": (X, THREE, lambda: sk("calibration.CalibratedClassifierCV", estimator=logistic_several(), method="temperature", cv=2)),
    "calibrated-temperature-two": (X, TWO, lambda: sk("calibration.CalibratedClassifierCV", estimator=logistic(), method="temperature", cv=2)),
    "calibrated-temperature-shares": (X, TWO, lambda: sk("calibration.CalibratedClassifierCV", estimator=stump(), method="temperature", cv=2)),
    "calibrated-temperature-bayes": (X, THREE, lambda: sk("calibration.CalibratedClassifierCV", estimator=sk("naive_bayes.GaussianNB"), method="temperature", cv=2)),
    "vote": (X, TWO, lambda: sk("ensemble.VotingClassifier", estimators=[("a", logistic()), ("b", stump())], voting="soft", flatten_transform=True)),
    "chain-of-labels": (X, np.column_stack([TWO, SCORE > 1]).astype(int), lambda: sk("multioutput.ClassifierChain", estimator=logistic(), order=[1, 0])),
    "partial-least-squares": (X, np.column_stack([SCORE, X[:, 0] * 2]), lambda: sk("cross_decomposition.PLSRegression", n_components=2)),
    "search": (X, TWO, lambda: sk("model_selection.GridSearchCV", estimator=stump(), param_grid={"max_depth": [1, 2]}, cv=2)),
    "elimination": (X, TWO, lambda: sk("feature_selection.RFE", estimator=logistic(), n_features_to_select=2)),
    "scaler": (X, None, lambda: sk("preprocessing.RobustScaler")),
    "quantiles": (COUNTS, None, lambda: sk("preprocessing.QuantileTransformer", n_quantiles=9, output_distribution="normal")),
    "splines": (X, None, lambda: sk("preprocessing.SplineTransformer", n_knots=3)),
    "variance": (X, None, lambda: sk("feature_selection.VarianceThreshold", threshold=1.0)),
    "bins": (X, None, lambda: sk("preprocessing.KBinsDiscretizer", n_bins=3, encode="ordinal", strategy="uniform")),
    "encoder": (FRAME[["plan"]], None, lambda: sk("preprocessing.OneHotEncoder", handle_unknown="ignore")),
    "ordinal": (FRAME[["plan"]], None, lambda: sk("preprocessing.OrdinalEncoder")),
    "early-imputer": (X, TWO, lambda: chain(sk("preprocessing.Imputer", strategy="median"), logistic())),
    "early-encoder": (COUNTS, None, lambda: sk("preprocessing.OneHotEncoder", n_values="auto")),
    "early-encoder-some": (COUNTS, TWO, lambda: chain(sk("preprocessing.MaxAbsScaler"), sk("preprocessing.OneHotEncoder", categorical_features=[2, 0], handle_unknown="ignore"), logistic())),
    "early-encoder-values": (COUNTS, None, lambda: sk("preprocessing.OneHotEncoder", n_values=99)),
    "normalised": (X, TWO, lambda: chain(sk("preprocessing.Normalizer"), logistic())),
    "components": (X, TWO, lambda: chain(sk("decomposition.PCA", n_components=2), logistic())),
    "table": (FRAME, TWO, lambda: chain(columns(), logistic())),
    "table-rest": (FRAME, None, lambda: columns(remainder="passthrough")),
    "target": (X, np.exp(SCORE), lambda: sk("compose.TransformedTargetRegressor", regressor=sk("linear_model.Ridge"), func=np.log1p, inverse_func=np.expm1)),
    "iterative": (X, None, lambda: sk("impute.IterativeImputer", max_iter=2, random_state=1)),
    "density": (X[:, :2], None, lambda: sk("neighbors.KernelDensity", bandwidth=0.8)),
}


def rows_of(table, slice_):
    return table.iloc[slice_].reset_index(drop=True) if isinstance(table, pd.DataFrame) else table[slice_]


def probes(table):
    """Rows that most models refuse."""
    row = rows_of(table, slice(0, 1))
    if isinstance(table, pd.DataFrame):
        return [row.assign(**{name: pd.Series([value], dtype=object)}) for name in table.columns for value in ("never seen", np.nan) if not pd.api.types.is_numeric_dtype(table[name]) or value is np.nan]
    found = []
    for value in (np.nan, np.inf, -2.5):
        found.append(row.copy())
        found[-1][0, 0] = value
    return found


def answers(model, rows):
    given = {}
    for method in METHODS:
        if hasattr(model, method):
            given[method] = getattr(model, method)(rows)
    if not given:
        raise TypeError("answers nothing")
    return given


def plain(value):
    if scipy.sparse.issparse(value):
        value = value.toarray()
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        value = float(value)
        return value if math.isfinite(value) else str(value).replace("inf", "Infinity").replace("nan", "NaN")
    return value if value is None else str(value)


def cells(rows):
    table = rows.values if isinstance(rows, pd.DataFrame) else rows
    return [[None if value == "NaN" else value for value in plain(row)] for row in table]


def column_specs(table):
    if not isinstance(table, pd.DataFrame):
        return [{"name": "x%d" % i, "dtype": "float64", "null": "NaN"} for i in range(table.shape[1])]
    return [{"name": name, "dtype": "float64" if pd.api.types.is_numeric_dtype(table[name]) else "string", "null": "NaN"} for name in table.columns]


def make(table, target, build):
    model = build()
    train = slice(0, 100)
    model.fit(rows_of(table, train), *([] if target is None else [target[train]]))
    held = rows_of(table, HELD)
    accepted, refused = [], []
    for probe in probes(table):
        try:
            answers(model, probe)
            accepted.append(probe)
        except Exception:
            refused.extend(cells(probe))
    alone = [held] + accepted
    given = [answers(model, rows) for rows in alone]
    case = {"columns": column_specs(table), "rows": [row for rows in alone for row in cells(rows)], "refused": refused}
    case["answers"] = {name: [row for part in given for row in plain(part[name])] for name in given[0]}
    return model, case


def main(out):
    models, cases = {}, {}
    for name, (table, target, build) in CASES.items():
        try:
            models[name], cases[name] = make(table, target, build)
        except Exception as error:
            print("%s: left out, %s" % (name, str(error).split("\n")[0][:90]))
    path = Path(out) / ("scikit-learn-" + sklearn.__version__)
    path.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(models, str(path) + ".joblib", compress=("zlib", 9))
    lines = ",\n".join("%s:%s" % (json.dumps(name), json.dumps(case, separators=(",", ":"))) for name, case in cases.items())
    Path(str(path) + ".json").write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    print(path.name, len(models), "models")


main(sys.argv[1])
