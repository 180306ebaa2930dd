"""Prints fixtures/oracle.json: the values that the tests of this package are held to.

    pip install numpy scipy scikit-learn MLstatkit
    python oracle.py > fixtures/oracle.json
"""

import json

import numpy as np
from MLstatkit import Delong_test
from scipy.stats import binomtest, bootstrap
from sklearn.metrics import roc_auc_score

rng = np.random.default_rng(3)
labels = (rng.random(80) < 0.3).astype(int)
a = np.round(labels * 0.6 + rng.normal(size=80), 2)
b = np.round(labels * 0.9 + 0.5 * a + 0.4 * rng.normal(size=80), 1)  # one decimal: ties

z, p, interval_a, interval_b, *_ = Delong_test(labels, a, b)
losses = np.round(rng.exponential(size=60), 3)
others = np.round(losses * rng.uniform(0.7, 1.1, 60), 3)


def percentile(statistic, *samples):
    result = bootstrap(
        samples, statistic, paired=True, vectorized=False, n_resamples=20000,
        method="percentile", random_state=1,
    ).confidence_interval
    return [float(result.low), float(result.high)]


print(json.dumps({
    "labels": labels.tolist(), "a": a.tolist(), "b": b.tolist(),
    "auc": {"a": float(roc_auc_score(labels, a)), "b": float(roc_auc_score(labels, b))},
    "delong": {
        "z": float(z),
        "a": [float(v) for v in interval_a],
        "b": [float(v) for v in interval_b],
    },
    "wilson": {
        f"{k}/{n}": [float(v) for v in binomtest(k, n).proportion_ci(method="wilson")]
        for k, n in [(0, 30), (7, 50), (30, 30), (861, 1000)]
    },
    "losses": losses.tolist(), "others": others.tolist(),
    "rootMean": percentile(lambda x: np.sqrt(np.mean(x)), losses),
    "meanDifference": percentile(lambda x, y: np.mean(x) - np.mean(y), losses, others),
}))
