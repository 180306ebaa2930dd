"""python slow_model.py FILE: nearest neighbours of enough points that a few rows take milliseconds."""

import sys

import joblib
import numpy as np
from sklearn.neighbors import KNeighborsClassifier

rng = np.random.default_rng(7)
points = rng.normal(size=(40_000, 30))
labels = (points[:, :3].sum(axis=1) > 0).astype(int)
joblib.dump(KNeighborsClassifier(5, algorithm="brute").fit(points, labels), sys.argv[1])
