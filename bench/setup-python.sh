#!/bin/sh
# Makes bench/.cache/venv with the Python libraries the benchmarks compare with. Needs python3 with venv and a network.
set -eu
cd "$(dirname "$0")"
[ -x .cache/venv/bin/python ] || python3 -m venv .cache/venv
.cache/venv/bin/pip install --quiet --disable-pip-version-check \
  numpy==2.2.6 scikit-learn==1.7.2 pandas==2.3.3 joblib==1.5.2
