"""Trains the benchmark models and times them where they come from, and in the programs that could serve them instead.

    bench/.cache/venv/bin/python bench/engine/train.py FOLDER [MODEL …]

Writes per model: NAME.joblib, NAME.rows (float64, or a JSON list of rows), NAME.proba (float64), NAME.onnx where it can be
exported, and once for all times.json: peer → microseconds per row of predict_proba, best of several runs, one thread, one
row (a different one each time) and 10 000 at a time. onnxruntime and treelite read float32, the libraries what they like.
"""
import json
import os
import sys
import time
import warnings

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
warnings.filterwarnings("ignore")

import catboost
import joblib
import lightgbm
import numpy as np
import onnxruntime
import pandas as pd
import treelite
import xgboost
from onnxmltools.convert import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as OnnxFloats
from skl2onnx import to_onnx
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC

FOLDER, *WANTED = sys.argv[1:]
ROWS = 10_000
SINGLES = 200


def numbers(train_rows, rows=ROWS):
    x, y = make_classification(train_rows + rows, 30, n_informative=15, n_classes=2, random_state=7)
    return x[:train_rows], y[:train_rows], x[train_rows:]


CATEGORICAL = dict(enumerate((4, 6, 10, 15, 25, 40, 80, 150)))


def categorical(train_rows):
    """The same, the first columns as categories in no order, a twentieth of the values missing."""
    train, labels, rows = numbers(train_rows)
    x = np.concatenate([train, rows])
    rng = np.random.default_rng(7)
    for column, count in CATEGORICAL.items():
        bins = np.searchsorted(np.quantile(x[:, column], np.arange(1, count) / count), x[:, column])
        x[:, column] = rng.permutation(count)[bins]
    x[rng.random(x.shape) < 0.05] = np.nan
    return x[:train_rows], labels, x[train_rows:]


def mixed(train_rows):
    rng = np.random.default_rng(7)
    count = train_rows + ROWS
    frame = pd.DataFrame({f"n{i}": rng.normal(size=count) for i in range(8)})
    frame.loc[rng.random(count) < 0.1, "n0"] = np.nan
    for i in range(4):
        frame[f"c{i}"] = rng.choice([f"value-{j}" for j in range(4 + 3 * i)], count)
    score = frame["n1"] - frame["n2"] * (frame["c0"] == "value-1") + frame["c3"].str[-1:].astype(int) / 5
    y = (score + rng.normal(size=count) > 1).astype(int)
    return frame[:train_rows], y[:train_rows], frame[train_rows:]


def mixed_pipeline(model):
    columns = ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [f"n{i}" for i in range(8)]),
        ("one-hot", OneHotEncoder(handle_unknown="ignore"), ["c0", "c1"]),
        ("ordinal", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["c2", "c3"]),
    ])
    return make_pipeline(columns, model)


# The libraries' own fastest way from an array to probabilities.
def of_sklearn(model):
    return model.predict_proba


def of_xgboost(model):
    booster = model.get_booster()
    return lambda rows: booster.inplace_predict(rows)


def of_lightgbm(model):
    return lambda rows: model.booster_.predict(rows, num_threads=1)


def of_catboost(model):
    return lambda rows: model.predict_proba(rows, thread_count=1)


def onnx_of(model, library):
    floats = [("x", OnnxFloats([None, 30]))]
    if library == "xgboost":
        return convert_xgboost(model, initial_types=floats, target_opset=15)
    if library == "lightgbm":
        return convert_lightgbm(model, initial_types=floats, target_opset=15, zipmap=False)
    return to_onnx(model, np.zeros((1, 30), np.float32), options={id(model): {"zipmap": False}})


def through_onnx(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    outputs = [session.get_outputs()[1].name]
    return lambda rows: session.run(outputs, {name: rows})


def through_treelite(model, library):
    load = {
        "scikit-learn": treelite.sklearn.import_model,
        "xgboost": lambda one: treelite.frontend.from_xgboost(one.get_booster()),
        "lightgbm": lambda one: treelite.frontend.from_lightgbm(one.booster_),
    }
    loaded = load[library](model)
    return lambda rows: treelite.gtil.predict(loaded, rows, nthread=1)


def xgb():
    return xgboost.XGBClassifier(n_estimators=500, max_depth=6, tree_method="hist", n_jobs=1, random_state=7)


def lgb():
    return lightgbm.LGBMClassifier(n_estimators=500, num_leaves=31, n_jobs=1, random_state=7, verbose=-1)


def xgb_categorical():
    types = ["c" if column in CATEGORICAL else "q" for column in range(30)]
    return xgb().set_params(enable_categorical=True, feature_types=types, max_cat_to_onehot=4)


def cat():
    return catboost.CatBoostClassifier(iterations=500, depth=6, thread_count=2, random_seed=7, verbose=0)


SKLEARN, XGBOOST, LIGHTGBM, CATBOOST = "scikit-learn", "xgboost", "lightgbm", "catboost"
RUNNERS = {SKLEARN: of_sklearn, XGBOOST: of_xgboost, LIGHTGBM: of_lightgbm, CATBOOST: of_catboost}
TREES = "onnxruntime treelite"
# name: library, model, data, peers besides the library
MODELS = {
    "rf-30": (SKLEARN, lambda: RandomForestClassifier(30, max_depth=10, random_state=7), lambda: numbers(20_000), TREES),
    "rf-100": (SKLEARN, lambda: RandomForestClassifier(100, max_depth=10, random_state=7), lambda: numbers(20_000), TREES),
    "rf-100-deep": (SKLEARN, lambda: RandomForestClassifier(100, random_state=7), lambda: numbers(20_000), TREES),
    "gb-500": (
        SKLEARN,
        lambda: GradientBoostingClassifier(n_estimators=500, max_depth=6, random_state=7),
        lambda: numbers(4_000),
        TREES,
    ),
    "hgb-500": (
        SKLEARN,
        lambda: HistGradientBoostingClassifier(max_iter=500, max_depth=6, early_stopping=False, random_state=7),
        lambda: numbers(20_000),
        TREES,
    ),
    "xgb-500": (XGBOOST, xgb, lambda: numbers(20_000), TREES),
    "lgb-500": (LIGHTGBM, lgb, lambda: numbers(20_000), TREES),
    "hgb-categories": (
        SKLEARN,
        lambda: HistGradientBoostingClassifier(
            max_iter=500, max_depth=6, categorical_features=list(CATEGORICAL), early_stopping=False, random_state=7
        ),
        lambda: categorical(20_000),
        "",
    ),
    "xgb-categories": (XGBOOST, xgb_categorical, lambda: categorical(20_000), ""),
    "lgb-categories": (
        LIGHTGBM,
        lambda: lgb().set_params(categorical_feature=list(CATEGORICAL)),
        lambda: categorical(20_000),
        "treelite",
    ),
    "cat-500": (CATBOOST, cat, lambda: numbers(20_000), ""),
    "logistic": (SKLEARN, LogisticRegression, lambda: numbers(20_000), "onnxruntime"),
    "mlp": (SKLEARN, lambda: MLPClassifier((64, 32), random_state=7), lambda: numbers(5_000), "onnxruntime"),
    "svc": (SKLEARN, lambda: SVC(probability=True, random_state=7), lambda: numbers(2_000, 1_000), "onnxruntime"),
    "knn": (SKLEARN, KNeighborsClassifier, lambda: numbers(2_000, 1_000), "onnxruntime"),
    "mixed": (
        SKLEARN,
        lambda: mixed_pipeline(RandomForestClassifier(100, max_depth=10, random_state=7)),
        lambda: mixed(20_000),
        "",
    ),
    "mixed-hgb": (
        SKLEARN,
        lambda: mixed_pipeline(HistGradientBoostingClassifier(early_stopping=False, random_state=7)),
        lambda: mixed(20_000),
        "",
    ),
    "mixed-logistic": (SKLEARN, lambda: mixed_pipeline(LogisticRegression()), lambda: mixed(20_000), ""),
}


def best_micros(run, rows, times):
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best / rows * 1e6


def measure(run, rows):
    ones = [rows[i : i + 1] for i in range(SINGLES)]
    return {
        "single": best_micros(lambda: [run(one) for one in ones], SINGLES, 3),
        "batch": best_micros(lambda: run(rows), len(rows), 5),
    }


def prepare(name):
    """The fitted model and its rows; trained once."""
    library, create, data, _ = MODELS[name]
    train, labels, rows = data()
    path = os.path.join(FOLDER, name)
    if os.path.exists(path + ".joblib"):
        model = joblib.load(path + ".joblib")
    else:
        model = create().fit(train, labels)
        joblib.dump(model, path + ".joblib")
    if isinstance(rows, pd.DataFrame):
        rows.to_json(path + ".rows", orient="values", double_precision=15)
        rows = pd.DataFrame(json.load(open(path + ".rows")), columns=rows.columns)
    else:
        rows.astype("<f8").tofile(path + ".rows")
    model.predict_proba(rows).astype("<f8").tofile(path + ".proba")
    return library, model, rows


def onnxruntime_peer(name, library, model):
    path = os.path.join(FOLDER, name + ".onnx")
    if not os.path.exists(path):
        bytes_ = onnx_of(model, library).SerializeToString()
        with open(path, "wb") as file:
            file.write(bytes_)
    return through_onnx(path)


PEERS = {
    "onnxruntime": onnxruntime_peer,
    "treelite": lambda name, library, model: through_treelite(model, library),
}


def times_of(name):
    library, model, rows = prepare(name)
    found = {library: measure(RUNNERS[library](model), rows)}
    for peer in MODELS[name][3].split():
        try:
            found[peer] = measure(PEERS[peer](name, library, model), rows.astype(np.float32))
        except Exception as error:
            print(f"{name}: {peer} does not take it: {str(error).splitlines()[0][:80]}", file=sys.stderr)
    return found


os.makedirs(FOLDER, exist_ok=True)
times = {}
for name in WANTED or MODELS:
    print(f"training and timing {name} …", file=sys.stderr)
    times[name] = times_of(name)
with open(os.path.join(FOLDER, "times.json"), "w") as file:
    json.dump(times, file)
