"""Writes into fixtures/ models of deep trees, and expected.json: what the library answers when it grows the same trees less deep.

    pip install scikit-learn==1.7.2 xgboost==3.2.0 joblib
    python make.py

One tree each: later ones of boosting would see other residuals.
"""

import json

import joblib
import numpy as np
import xgboost
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

X, labels = make_classification(400, 6, n_informative=4, random_state=5)
X = np.round(X, 3)
numbers = np.round(X[:, 0] * 2 + np.abs(X[:, 1]) + labels, 3)
SHALLOW, DEEP = 2, 5

CASES = {
    "tree-classes": (DecisionTreeClassifier, {"random_state": 0}, labels, "predict_proba"),
    "tree-numbers": (DecisionTreeRegressor, {"random_state": 0}, numbers, "predict"),
    "boosting-squared": (GradientBoostingRegressor, {"n_estimators": 1, "learning_rate": 0.3, "random_state": 0}, numbers, "predict"),
    "histogram-classes": (HistGradientBoostingClassifier, {"max_iter": 1, "learning_rate": 0.3}, labels, "decision_function"),
    "histogram-poisson": (HistGradientBoostingRegressor, {"max_iter": 1, "learning_rate": 0.3, "loss": "poisson"}, np.abs(numbers), "predict"),
    "xgboost-classes": (xgboost.XGBClassifier, {"n_estimators": 1, "learning_rate": 0.2, "reg_lambda": 2}, labels, "predict_proba"),
    "xgboost-numbers": (xgboost.XGBRegressor, {"n_estimators": 1, "learning_rate": 0.2, "reg_alpha": 0.5}, numbers, "predict"),
}

rows = X[:60]
expected = {}
for name, (kind, settings, target, method) in CASES.items():
    joblib.dump(kind(max_depth=DEEP, **settings).fit(X, target), f"fixtures/{name}.joblib", compress=3)
    shallow = kind(max_depth=SHALLOW, **settings).fit(X, target)
    expected[name] = {"method": method, "answers": np.asarray(getattr(shallow, method)(rows), dtype=float).ravel().tolist()}

with open("fixtures/expected.json", "w") as file:
    json.dump({"rows": rows.tolist(), "depth": SHALLOW, "cases": expected}, file)
