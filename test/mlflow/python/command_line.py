"""The mlflow command, as a user types it."""

import csv
import io
import json
import os
import subprocess
import sys
import tempfile

from checks import IS_3, MARK, URL, check, client, done, section
from click.testing import CliRunner
from mlflow.cli import cli

COMMAND = os.path.join(os.path.dirname(sys.executable), "mlflow")


def run(*arguments, fails=False):
    """In this process: to start the command takes seconds, each time."""
    answer = CliRunner().invoke(cli, arguments)
    if (answer.exit_code != 0) != fails:
        raise RuntimeError(f"mlflow {' '.join(arguments)}: {answer.exit_code} {answer.output} {answer.exception!r}")
    return answer.stdout


def type_in(*arguments):
    """In a process of its own."""
    answer = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, env={**os.environ, "MLFLOW_TRACKING_URI": URL}, timeout=120)
    if answer.returncode != 0:
        raise RuntimeError(f"mlflow {' '.join(arguments)}: {answer.returncode} {answer.stdout} {answer.stderr[-1500:]}")
    return answer.stdout


@section
def experiments():
    name = f"cli-{MARK}"
    check("create says the id", True, f"Created experiment '{name}' with id" in run("experiments", "create", "-n", name))
    identifier = client.get_experiment_by_name(name).experiment_id
    check("search shows it", True, name in type_in("experiments", "search"))
    run("experiments", "rename", "--experiment-id", identifier, "--new-name", f"{name}-2")
    check("renamed", f"{name}-2", client.get_experiment(identifier).name)
    made = client.create_run(identifier, run_name="shown")
    client.log_metric(made.info.run_id, "auc", 0.75)
    rows = list(csv.DictReader(io.StringIO(run("experiments", "csv", "-x", identifier))))
    check("csv", [("0.75", made.info.run_id)], [(row["metrics.auc"], row["run_id"]) for row in rows])
    run("experiments", "delete", "-x", identifier)
    check("deleted", "deleted", client.get_experiment(identifier).lifecycle_stage)
    run("experiments", "restore", "-x", identifier)
    check("restored", "active", client.get_experiment(identifier).lifecycle_stage)
    if IS_3:
        check("get", True, name in run("experiments", "get", "--experiment-id", identifier))


@section
def runs():
    experiment = client.create_experiment(f"cli-runs-{MARK}")
    made = client.create_run(experiment, run_name="told").info.run_id
    client.log_param(made, "p", "1")
    check("list shows it", True, made in run("runs", "list", "--experiment-id", experiment))
    described = json.loads(run("runs", "describe", "--run-id", made))
    check("describe", ("told", {"p": "1"}), (described["info"]["run_name"], described["data"]["params"]))
    run("runs", "delete", "--run-id", made)
    check("deleted", "deleted", client.get_run(made).info.lifecycle_stage)
    run("runs", "restore", "--run-id", made)
    check("restored", "active", client.get_run(made).info.lifecycle_stage)
    run("runs", "describe", "--run-id", "0" * 32, fails=True)


@section
def artifacts():
    made = client.create_run(client.create_experiment(f"cli-files-{MARK}")).info.run_id
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/in")
        for name in ("a.txt", "b.txt"):
            with open(f"{folder}/in/{name}", "w") as file:
                file.write(name)
        run("artifacts", "log-artifact", "--local-file", f"{folder}/in/a.txt", "--run-id", made, "--artifact-path", "one")
        run("artifacts", "log-artifacts", "--local-dir", f"{folder}/in", "--run-id", made, "--artifact-path", "all")
        listed = json.loads(run("artifacts", "list", "--run-id", made, "--artifact-path", "all"))
        check("list", ["all/a.txt", "all/b.txt"], [file["path"] for file in listed])
        run("artifacts", "download", "--run-id", made, "--artifact-path", "all", "--dst-path", f"{folder}/out")
        check("download", "b.txt", open(f"{folder}/out/all/b.txt").read())


@section
def models():
    import mlflow
    from sklearn.linear_model import LinearRegression

    mlflow.set_experiment(f"cli-models-{MARK}")
    with mlflow.start_run():
        place = {"name": "model"} if IS_3 else {"artifact_path": "model"}
        mlflow.sklearn.log_model(LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0]), **place, registered_model_name=f"line-{MARK}",
                                 serialization_format="pickle", pip_requirements=[])
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/in.json", "w") as file:
            json.dump({"inputs": [[2.0]]}, file)
        said = type_in("models", "predict", "-m", f"models:/line-{MARK}/1", "-i", f"{folder}/in.json", "-t", "json", "--env-manager", "local")
    check("predict", 5.0, round(json.loads(said.strip().splitlines()[-1])["predictions"][0], 9))


done()
