#!/bin/sh
# Makes bench/.cache/venv with the Python libraries the benchmarks compare with. Needs python3 with venv and a network.
set -eu
cd "$(dirname "$0")"
[ -x .cache/venv/bin/python ] || python3 -m venv .cache/venv
.cache/venv/bin/pip install --quiet --disable-pip-version-check \
  numpy==2.2.6 scikit-learn==1.7.2 pandas==2.3.3 joblib==1.5.2 xgboost==2.1.4 lightgbm==4.6.0 catboost==1.2.10 \
  onnx==1.23.2 onnxruntime==1.32.0 skl2onnx==1.20.0 onnxmltools==1.16.0 treelite==4.8.1
