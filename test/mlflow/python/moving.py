"""Logs a little of everything to the server that is named, to be moved from there; a line a check."""

import tempfile
from pathlib import Path

import mlflow
import numpy
import pandas
from checks import IS_3, check, client, done
from mlflow.entities import Metric
from sklearn.linear_model import LogisticRegression

experiment = client.create_experiment("moved", tags={"team": "growth"})
mlflow.set_experiment("moved")
frame = pandas.DataFrame({"age": [30.0, 41.0, 22.0, 65.0], "orders": [1.0, 4.0, 0.0, 9.0]})
labels = numpy.array([0, 1, 0, 1])
model = LogisticRegression().fit(frame, labels)

with mlflow.start_run(run_name="parent") as parent:
    mlflow.log_params({"depth": 3, "text": "a 'quoted' ünïcode value"})
    mlflow.set_tags({"note": "one\ntwo", "release.candidate": "yes"})
    data = mlflow.data.from_pandas(frame, source="customers.csv", name="customers")
    mlflow.log_input(data, context="training")
    client.log_batch(
        parent.info.run_id,
        metrics=[Metric("loss", 1 / (step + 1), 1_700_000_000_000 + step, step) for step in range(700)],
    )
    for step, value in enumerate([0.5, float("nan"), float("inf"), float("-inf"), 0.75]):
        client.log_metric(parent.info.run_id, "odd", value, timestamp=1_700_000_000_000 + step, step=step)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "notes.txt").write_text("a note")
        Path(folder, "empty").write_bytes(b"")
        Path(folder, "below").mkdir()
        Path(folder, "below", "ümlaut file.bin").write_bytes(bytes(range(256)) * 5000)
        mlflow.log_artifacts(folder, "things")
    mlflow.sklearn.log_model(
        model,
        **({"name": "model"} if IS_3 else {"artifact_path": "model"}),
        registered_model_name="moved-churn",
        input_example=frame,
    )
    with mlflow.start_run(run_name="child", nested=True):
        mlflow.log_metric("auc", 0.9)

with mlflow.start_run(run_name="failed") as failed:
    mlflow.log_metric("auc", 0.1)
client.set_terminated(failed.info.run_id, "FAILED")
with mlflow.start_run(run_name="deleted") as deleted:
    mlflow.log_param("gone", "yes")
client.delete_run(deleted.info.run_id)
gone = client.create_experiment("gone")
client.create_run(gone, run_name="of a deleted experiment")
client.delete_experiment(gone)

client.update_registered_model("moved-churn", description="who leaves")
client.set_registered_model_tag("moved-churn", "owner", "ana")
with mlflow.start_run(run_name="second"):
    mlflow.sklearn.log_model(
        LogisticRegression(C=0.5).fit(frame, labels),
        **({"name": "model"} if IS_3 else {"artifact_path": "model"}),
        registered_model_name="moved-churn",
        input_example=frame,
    )
client.update_model_version("moved-churn", "2", description="the second")
client.set_model_version_tag("moved-churn", "2", "reviewed", "yes")
client.set_registered_model_alias("moved-churn", "champion", "1")
client.set_registered_model_alias("moved-churn", "candidate", "2")
client.transition_model_version_stage("moved-churn", "1", "Staging")

check("runs that were logged", 5, len(client.search_runs([experiment], run_view_type=3)))
done()
