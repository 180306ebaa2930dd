"""What a test program says: one JSON line a check. Run as: python <program>.py URL"""

import json
import os
import sys
import tempfile
import traceback
import uuid

import mlflow
import mlflow.sklearn
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

URL = sys.argv[1]
# MLflow's own server is asked: answers that Millwright gives otherwise on purpose are then MLflow's.
IS_PEER = os.environ.get("MLFLOW_TEST_PEER") == "1"
IS_3 = int(mlflow.__version__.split(".")[0]) >= 3
# Of everything a program makes: it can run again on the same server.
MARK = uuid.uuid4().hex[:8]

mlflow.set_tracking_uri(URL)
client = MlflowClient()


def say(what, ok, **details):
    print(json.dumps({"what": what, "ok": bool(ok), **details}, default=str), flush=True)


def check(what, expected, got):
    """The two are the same, NaN included."""
    same = expected == got or repr(expected) == repr(got)
    say(what, same, **({} if same else {"expected": repr(expected)[:2000], "got": repr(got)[:2000]}))


def refused(what, expected, call):
    """The client's exception says this: `CODE: message`, or the start of it when it ends with `…`."""
    try:
        got = call()
    except MlflowException as error:
        got = str(error)
        if expected.endswith("…") and got.startswith(expected[:-1]):
            got = expected
    check(what, expected, got)


def section(function):
    """Runs it; what it throws is a failed check, and the next one runs all the same."""
    try:
        function()
    except Exception as error:
        lines = traceback.format_exc().splitlines()
        say(function.__name__, False, expected="no exception", got=repr(error)[:1500], trace=lines[-8:])
    return function


def ask(method, path, **arguments):
    """Plain HTTP, for what clients do not let through: (status, JSON or text)."""
    answer = requests.request(method, URL + path, timeout=60, **arguments)
    try:
        return answer.status_code, answer.json()
    except ValueError:
        return answer.status_code, answer.text


def post(path, body):
    return ask("POST", f"/api/2.0/mlflow/{path}", json=body)


def get(path, **query):
    return ask("GET", f"/api/2.0/mlflow/{path}", params=query)


def log_folder(run_id, model):
    """A model of scikit-learn in the run's files, the same by either client."""
    with tempfile.TemporaryDirectory() as folder:
        mlflow.sklearn.save_model(model, f"{folder}/model", serialization_format="pickle", pip_requirements=["scikit-learn"])
        client.log_artifacts(run_id, f"{folder}/model", "model")


def done():
    """Last line of a program: without it, it did not come to its end."""
    print(json.dumps({"done": True}), flush=True)
