"""How far numpy.log is from the C library's: python numpy-log.py, under each numpy of interest.

NPY_DISABLE_CPU_FEATURES="AVX512F AVX512_SKX" in front shows what a processor without AVX-512 answers.
"""

import math

import numpy as np

random = np.random.RandomState(1)
x = np.concatenate([random.rand(4_000_000), 10.0 ** -(random.rand(1_000_000) * 300), 1 - random.rand(1_000_000) * 1e-3])
theirs = np.log(x)
libm = np.array([math.log(value) for value in x])
units = np.abs(theirs.view(np.int64) - libm.view(np.int64))
print("numpy %s: %d arguments, at most %d units apart, %.4f of them differ" % (np.__version__, len(x), units.max(), (units > 0).mean()))
