"""Trains the benchmark models and times them where they come from.

    bench/.cache/venv/bin/python bench/train.py [folder]

Writes per model: NAME.joblib, NAME.rows (float64, or JSON lines with text), NAME.proba (float64) and, once for all,
times.json with microseconds per row of predict_proba: best of several runs, one thread, one row and 10 000 at a time.
"""
import json
import os
import sys
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

ROWS = 10_000
FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), ".cache", "models")


def best_seconds(run, times):
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def numbers(train_rows):
    x, y = make_classification(train_rows + ROWS, 30, n_informative=15, n_classes=2, random_state=7)
    return x[:train_rows], y[:train_rows], x[train_rows:]


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


def mixed_pipeline():
    columns = ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [f"n{i}" for i in range(8)]),
        ("one-hot", OneHotEncoder(handle_unknown="ignore"), ["c0", "c1"]),
        ("ordinal", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["c2", "c3"]),
    ])
    return make_pipeline(columns, RandomForestClassifier(100, max_depth=10, random_state=7))


MODELS = {
    "rf-100": (RandomForestClassifier(100, max_depth=10, random_state=7), lambda: numbers(20_000)),
    "rf-100-deep": (RandomForestClassifier(100, random_state=7), lambda: numbers(20_000)),
    "gb-500": (GradientBoostingClassifier(n_estimators=500, max_depth=6, random_state=7), lambda: numbers(4_000)),
    "hgb-500": (
        HistGradientBoostingClassifier(max_iter=500, max_depth=6, early_stopping=False, random_state=7),
        lambda: numbers(20_000),
    ),
    "mixed": (mixed_pipeline(), lambda: mixed(20_000)),
}

os.makedirs(FOLDER, exist_ok=True)
times = {}
for name, (model, data) in MODELS.items():
    train, labels, rows = data()
    path = os.path.join(FOLDER, name)
    if os.path.exists(path + ".joblib"):
        model = joblib.load(path + ".joblib")
    else:
        joblib.dump(model.fit(train, labels), path + ".joblib")
    model.predict_proba(rows).astype("<f8").tofile(path + ".proba")
    if isinstance(rows, pd.DataFrame):
        rows.to_json(path + ".rows", orient="values", double_precision=15)
        rows = pd.DataFrame(json.load(open(path + ".rows")), columns=rows.columns)
        model.predict_proba(rows).astype("<f8").tofile(path + ".proba")
    else:
        rows.astype("<f8").tofile(path + ".rows")
    one = rows[:1]
    times[name] = {
        "single": best_seconds(lambda: model.predict_proba(one), 200) * 1e6,
        "batch": best_seconds(lambda: model.predict_proba(rows), 5) / ROWS * 1e6,
    }
with open(os.path.join(FOLDER, "times.json"), "w") as file:
    json.dump(times, file)
