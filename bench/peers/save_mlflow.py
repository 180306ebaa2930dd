"""Saves the iris model as MLflow does. Arguments: the joblib file, the folder."""
import sys

import joblib
import mlflow.sklearn

mlflow.sklearn.save_model(joblib.load(sys.argv[1]), sys.argv[2], serialization_format="cloudpickle")
