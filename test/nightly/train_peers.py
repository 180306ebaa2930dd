"""Trains the models of peers.test.ts and answers 100 000 rows with each.

    bench/.cache/venv/bin/python test/nightly/train_peers.py FOLDER

Writes per model: NAME.joblib, NAME.rows (float64, or JSON with text) and NAME.METHOD (float64) per method of the model.
A third of the numbers of each row are thresholds of the model's own trees, or one float32 beside them.
"""
import json
import os
import sys
import warnings

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

warnings.filterwarnings("ignore")
ROWS = 100_000
TRAIN = 4_000
FEATURES = 12
FOLDER = sys.argv[1]
METHODS = ("predict", "predict_proba", "decision_function")
rng = np.random.default_rng(11)


def numbers(classes=2):
    return make_classification(
        TRAIN, FEATURES, n_informative=8, n_classes=classes, flip_y=0.1, random_state=11
    )


def with_gaps():
    x, y = numbers(3)
    x[rng.random(x.shape) < 0.1] = np.nan
    x[:, 0] = rng.integers(0, 9, TRAIN)
    x[:, 1] = rng.integers(0, 40, TRAIN)
    x[rng.random(TRAIN) < 0.1, 1] = np.nan
    return x, (y + (x[:, 0] > 5)) % 3


def mixed(count):
    frame = pd.DataFrame({f"n{i}": np.round(rng.normal(size=count), 9) for i in range(6)})
    frame.loc[rng.random(count) < 0.1, "n0"] = np.nan
    for i in range(3):
        frame[f"c{i}"] = rng.choice([f"välue {j}" for j in range(4 + 3 * i)], count).astype(object)
    return frame


def mixed_labels(frame):
    score = frame["n1"] - frame["n2"] * (frame["c0"] == "välue 1") + frame["c2"].str[-1:].astype(int) / 5
    return np.where(score + rng.normal(size=len(frame)) > 1, "leaves", "stays")


def mixed_pipeline():
    columns = ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [f"n{i}" for i in range(6)]),
        ("one-hot", OneHotEncoder(handle_unknown="ignore"), ["c0", "c1"]),
        ("ordinal", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["c2"]),
    ])
    return make_pipeline(columns, RandomForestClassifier(60, max_depth=12, random_state=11))


def thresholds(model):
    """Per feature, the numbers where the model's trees change their mind."""
    found = [[] for _ in range(FEATURES)]
    for tree in np.ravel(getattr(model, "estimators_", [])):
        for feature, threshold in zip(tree.tree_.feature, tree.tree_.threshold):
            if feature >= 0:
                found[feature].append(threshold)
    for stage in getattr(model, "_predictors", []):
        for tree in stage:
            for node in tree.nodes[(tree.nodes["is_leaf"] == 0) & (tree.nodes["is_categorical"] == 0)]:
                found[node["feature_idx"]].append(node["num_threshold"])
    return found


def hard_rows(model, train):
    rows = train[rng.integers(0, TRAIN, ROWS)] + rng.normal(scale=0.3, size=(ROWS, FEATURES))
    for feature, values in enumerate(thresholds(model)):
        if values:
            at = rng.random(ROWS) < 1 / 3
            chosen = np.asarray(values)[rng.integers(0, len(values), at.sum())]
            beside = np.nextafter(chosen.astype(np.float32), np.inf).astype(np.float64)
            rows[at, feature] = np.where(rng.random(at.sum()) < 0.5, chosen, beside)
    return rows


def gappy_rows(model, train):
    rows = hard_rows(model, train)
    rows[:, 0] = rng.integers(0, 12, ROWS)
    rows[:, 1] = rng.integers(0, 44, ROWS)
    rows[rng.random(rows.shape) < 0.05] = np.nan
    return rows


MODELS = {
    "random-forest": (RandomForestClassifier(60, random_state=11), numbers, hard_rows),
    "random-forest-regression": (RandomForestRegressor(40, random_state=11), numbers, hard_rows),
    "extra-trees": (ExtraTreesClassifier(60, random_state=11), lambda: numbers(3), hard_rows),
    "gradient-boosting": (GradientBoostingClassifier(n_estimators=150, max_depth=5, random_state=11), numbers, hard_rows),
    "gradient-boosting-three": (
        GradientBoostingClassifier(n_estimators=60, random_state=11), lambda: numbers(3), hard_rows,
    ),
    "hist-gradient-boosting": (
        HistGradientBoostingClassifier(max_iter=120, categorical_features=[0, 1], random_state=11), with_gaps, gappy_rows,
    ),
    "logistic-regression": (
        make_pipeline(StandardScaler(), LogisticRegression()), lambda: numbers(3), hard_rows,
    ),
}


def write(name, model, rows):
    joblib.dump(model, os.path.join(FOLDER, name + ".joblib"))
    for method in METHODS:
        if hasattr(model, method):
            answer = getattr(model, method)(rows)
            if answer.dtype.kind not in "fi":
                answer = np.searchsorted(model.classes_, answer)
            answer.astype("<f8").tofile(os.path.join(FOLDER, f"{name}.{method}"))


os.makedirs(FOLDER, exist_ok=True)
for name, (model, data, make_rows) in MODELS.items():
    train, labels = data()
    model.fit(train, labels)
    rows = make_rows(model, train)
    rows.astype("<f8").tofile(os.path.join(FOLDER, name + ".rows"))
    write(name, model, rows)

train = mixed(TRAIN)
model = mixed_pipeline().fit(train, mixed_labels(train))
rows = mixed(ROWS)
for column in ("c0", "c2"):
    rows.loc[rng.random(ROWS) < 0.01, column] = "never seen"
with open(os.path.join(FOLDER, "mixed-pipeline.rows"), "w") as file:
    json.dump([[None if x != x else x for x in row] for row in rows.values.tolist()], file)
write("mixed-pipeline", model, rows)
