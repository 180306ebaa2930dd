"""Experiments, runs, params, tags, metrics, nested runs, datasets."""

import math

import pandas
from checks import MARK, ask, check, client, done, mlflow, refused, section
from mlflow.entities import Metric, Param, RunTag, ViewType

LARGEST = 1.7976931348623157e308


def new_run(**arguments):
    return client.create_run(EXPERIMENT, **arguments).info.run_id


EXPERIMENT = client.create_experiment(f"tracking-{MARK}")


@section
def experiments():
    name = f"life-{MARK}"
    identifier = client.create_experiment(name, tags={"team": "growth", "long": "x" * 4000})
    made = client.get_experiment(identifier)
    check("experiment: fields", (name, "active"), (made.name, made.lifecycle_stage))
    check("experiment: tags", {"team": "growth", "long": "x" * 4000}, made.tags)
    check("experiment: location ends with its id", identifier, made.artifact_location.split("/")[-1])
    check("experiment: by name", identifier, client.get_experiment_by_name(name).experiment_id)
    check("experiment: no such name", None, client.get_experiment_by_name(f"none-{MARK}"))

    client.set_experiment_tag(identifier, "team", "core")
    client.rename_experiment(identifier, f"{name}-2")
    renamed = client.get_experiment(identifier)
    check("experiment: renamed", (f"{name}-2", "core"), (renamed.name, renamed.tags["team"]))
    check("experiment: update is not before creation", True, renamed.last_update_time >= renamed.creation_time)
    if hasattr(client, "delete_experiment_tag"):
        client.delete_experiment_tag(identifier, "team")
        check("experiment: tag deleted", ["long"], list(client.get_experiment(identifier).tags))

    run = client.create_run(identifier).info.run_id
    client.delete_experiment(identifier)
    check("experiment: deleted", "deleted", client.get_experiment(identifier).lifecycle_stage)
    check("experiment: its runs too", "deleted", client.get_run(run).info.lifecycle_stage)
    check("experiment: by name when deleted", "deleted", client.get_experiment_by_name(f"{name}-2").lifecycle_stage)
    found = [[e.name for e in client.search_experiments(view_type=view, filter_string=f"name = '{name}-2'")]
             for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL)]
    check("experiment: views", [[], [f"{name}-2"], [f"{name}-2"]], found)
    refused("experiment: its name stays taken", f"RESOURCE_ALREADY_EXISTS: Experiment(name={name}-2) already exists.…",
            lambda: client.create_experiment(f"{name}-2"))
    client.restore_experiment(identifier)
    check("experiment: restored", "active", client.get_experiment(identifier).lifecycle_stage)
    check("experiment: its runs, too", "active", client.get_run(run).info.lifecycle_stage)


@section
def runs():
    made = client.create_run(EXPERIMENT, start_time=1_700_000_000_123, run_name="first", tags={"a": "1"})
    run = made.info.run_id
    info = client.get_run(run).info
    check("run: fields", ("RUNNING", 1_700_000_000_123, None, "first", "active", EXPERIMENT),
          (info.status, info.start_time, info.end_time, info.run_name, info.lifecycle_stage, info.experiment_id))
    check("run: tags", {"a": "1", "mlflow.runName": "first"}, client.get_run(run).data.tags)
    check("run: where its files are", f"/{EXPERIMENT}/{run}/artifacts", info.artifact_uri[info.artifact_uri.index("/") :])
    client.update_run(run, status="SCHEDULED", name="second")
    info = client.get_run(run).info
    check("run: updated", ("SCHEDULED", "second"), (info.status, info.run_name))
    check("run: name is a tag", "second", client.get_run(run).data.tags["mlflow.runName"])
    client.set_terminated(run, "FAILED", end_time=1_700_000_009_999)
    info = client.get_run(run).info
    check("run: ended", ("FAILED", 1_700_000_009_999), (info.status, info.end_time))
    check("run: a name is made", True, len(client.get_run(new_run()).info.run_name.split("-")) >= 3)

    client.delete_run(run)
    check("run: deleted", "deleted", client.get_run(run).info.lifecycle_stage)
    for what, call in {
        "metric": lambda: client.log_metric(run, "m", 1),
        "param": lambda: client.log_param(run, "p", 1),
        "tag": lambda: client.set_tag(run, "t", 1),
        "batch": lambda: client.log_batch(run, tags=[RunTag("t", "1")]),
    }.items():
        refused(f"run: a deleted one takes no {what}",
                f"INVALID_PARAMETER_VALUE: The run {run} must be in the 'active' state. Current state is deleted.…", call)
    views = (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL)
    found = [run in [r.info.run_id for r in client.search_runs([EXPERIMENT], run_view_type=v)] for v in views]
    check("run: views", [False, True, True], found)
    client.restore_run(run)
    check("run: restored", "active", client.get_run(run).info.lifecycle_stage)


@section
def params_and_tags():
    run = new_run()
    client.log_param(run, "depth", 6)
    client.log_param(run, "depth", 6)
    refused("param: cannot change", f"INVALID_PARAMETER_VALUE: Changing param values is not allowed. Param with key='depth' "
            f"was already logged with value='6' for run ID='{run}'. Attempted logging new value '7'.…",
            lambda: client.log_param(run, "depth", 7))
    refused("param: cannot change in a batch", "INVALID_PARAMETER_VALUE: Changing param values is not allowed. Params were "
            "already logged='[{'key': 'depth', 'old_value': '6', 'new_value': '9'}]' "
            f"for run ID='{run}'.…", lambda: client.log_batch(run, params=[Param("depth", "9"), Param("new", "1")]))
    check("param: a refused batch leaves nothing", {"depth": "6"}, client.get_run(run).data.params)
    client.log_batch(run, params=[Param("empty", ""), Param("ünï/code .-:", "ü"), Param("long", "x" * 7000)])
    params = client.get_run(run).data.params
    check("param: any characters", ("", "ü"), (params["empty"], params["ünï/code .-:"]))
    check("param: cut at 6000", 6000, len(params["long"]))
    client.set_tag(run, "note", "a")
    client.set_tag(run, "note", "b\nc 'd' \"e\" ☃")
    client.set_tag(run, "long", "y" * 9000)
    client.set_tag(run, "gone", "1")
    client.delete_tag(run, "gone")
    tags = client.get_run(run).data.tags
    check("tag: the last one counts", "b\nc 'd' \"e\" ☃", tags["note"])
    check("tag: cut at 8000", 8000, len(tags["long"]))
    check("tag: deleted", False, "gone" in tags)
    refused("tag: none to delete", f"RESOURCE_DOES_NOT_EXIST: No tag with name: gone in run with id {run}",
            lambda: client.delete_tag(run, "gone"))


@section
def metrics():
    run = new_run()
    for key, value in {"nan": math.nan, "inf": math.inf, "minus": -math.inf, "tiny": 5e-324, "third": 1 / 3}.items():
        client.log_metric(run, key, value, timestamp=1, step=0)
    found = client.get_run(run).data.metrics
    check("metric: NaN and infinity", (True, LARGEST, -LARGEST, 5e-324, 1 / 3),
          (math.isnan(found["nan"]), found["inf"], found["minus"], found["tiny"], found["third"]))
    check("metric: NaN in the history", True, math.isnan(client.get_metric_history(run, "nan")[0].value))

    points = [(3.0, 30, 3), (1.0, 10, 1), (2.0, 20, 2), (2.5, 20, 2), (2.0, 20, 2), (0.0, 40, 0), (9.0, 5, -7)]
    for value, timestamp, step in points:
        client.log_metric(run, "loss", value, timestamp=timestamp, step=step)
    history = [(m.value, m.timestamp, m.step) for m in client.get_metric_history(run, "loss")]
    check("metric: history, each row once", sorted(set(points)), sorted(history))
    check("metric: latest is by step", 3.0, client.get_run(run).data.metrics["loss"])
    check("metric: no history", [], client.get_metric_history(run, "none"))
    for value, timestamp in ((1.0, 7), (5.0, 9), (4.0, 8), (3.0, 9)):
        client.log_metric(run, "tie", value, timestamp=timestamp, step=1)
    check("metric: at the same step the later one, then the larger", 5.0, client.get_run(run).data.metrics["tie"])
    client.log_metric(run, "large", 1.0, timestamp=2**53 - 1, step=2**53 - 1)
    client.log_metric(run, "large", 2.0, timestamp=1, step=-(2**53) + 1)
    check("metric: large steps", [-(2**53) + 1, 2**53 - 1], sorted(m.step for m in client.get_metric_history(run, "large")))


@section
def batches():
    run = new_run()
    client.log_batch(run, [Metric(f"m{i}", i, 1, 0) for i in range(800)], [Param(f"p{i}", str(i)) for i in range(100)],
                     [RunTag(f"t{i}", str(i)) for i in range(100)])
    data = client.get_run(run).data
    check("batch: 1000 of all", (800, 100, 100), (len(data.metrics), len(data.params), len([t for t in data.tags if t[0] == "t"])))
    client.log_batch(run, [Metric("split", i, 1, i) for i in range(1500)], [Param(f"q{i}", "1") for i in range(150)])
    check("batch: the client splits larger ones", 1500, len(client.get_metric_history(run, "split")))
    client.log_batch(run)
    refused("batch: a param twice", "INVALID_PARAMETER_VALUE: Duplicate parameter keys have been submitted: ['twice']. Please "
            "ensure the request contains only one param value per param key.",
            lambda: client.log_batch(run, params=[Param("twice", "1"), Param("twice", "1")]))


@section
def long_history():
    run = new_run()
    for start in range(0, 26_000, 1000):
        client.log_batch(run, [Metric("loss", i / 7, i, i) for i in range(start, start + 1000)])
    history = client.get_metric_history(run, "loss")
    check("history: 26000 points over pages, in order", [(i / 7, i) for i in range(26_000)], [(m.value, m.step) for m in history])
    page = ask("GET", "/api/2.0/mlflow/metrics/get-history", params={"run_id": run, "metric_key": "loss", "max_results": 10})[1]
    check("history: a page", (10, True), (len(page["metrics"]), "next_page_token" in page))
    bulk = ask("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval",
               params={"run_ids": [run], "metric_key": "loss", "max_results": 320})[1]
    steps = [m["step"] for m in bulk["metrics"]]
    check("history: an interval has the first and the last point, not many more than asked, of its run",
          (0, 25_999, True, {run}), (steps[0], steps[-1], 320 <= len(steps) <= 330, {m["run_id"] for m in bulk["metrics"]}))


@section
def nested():
    mlflow.set_experiment(experiment_id=EXPERIMENT)
    with mlflow.start_run(run_name="parent") as parent:
        for depth in (3, 4):
            with mlflow.start_run(nested=True, run_name=f"child {depth}"):
                mlflow.log_param("depth", depth)
                with mlflow.start_run(nested=True, run_name=f"leaf {depth}"):
                    mlflow.log_metric("auc", depth / 10)
    children = client.search_runs([EXPERIMENT], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'", order_by=["params.depth"])
    check("nested: children", ["child 3", "child 4"], [run.info.run_name for run in children])
    leaves = client.search_runs([EXPERIMENT], f"tags.mlflow.parentRunId = '{children[1].info.run_id}'")
    check("nested: leaves", [{"auc": 0.4}], [run.data.metrics for run in leaves])
    check("nested: parent of", children[0].info.run_id, client.get_parent_run(
        client.search_runs([EXPERIMENT], "run_name = 'leaf 3'")[0].info.run_id).info.run_id)
    check("nested: ended", ["FINISHED"] * 2, [run.info.status for run in children])
    frame = mlflow.search_runs([EXPERIMENT], "attributes.run_name LIKE 'leaf %'", order_by=["metrics.auc DESC"])
    check("nested: as a table", [0.4, 0.3], list(frame["metrics.auc"]))


@section
def fluent():
    mlflow.set_experiment(f"fluent-{MARK}")
    try:
        with mlflow.start_run(tags={"k": "v"}, description="why") as run:
            mlflow.log_params({"a": 1, "b": None, "c": [1, 2]})
            mlflow.log_metrics({"x": 1.5, "y": 2}, step=3)
            mlflow.set_tags({"x": True})
            raise KeyError("broken")
    except KeyError:
        pass
    ended = client.get_run(run.info.run_id)
    check("fluent: a run that breaks has failed", "FAILED", ended.info.status)
    check("fluent: data", ({"a": "1", "b": "None", "c": "[1, 2]"}, {"x": 1.5, "y": 2.0}), (ended.data.params, ended.data.metrics))
    check("fluent: tags", ("v", "why", "True"), tuple(ended.data.tags[k] for k in ("k", "mlflow.note.content", "x")))
    with mlflow.start_run(run_id=run.info.run_id):
        mlflow.log_metric("x", 2.5, step=4)
    again = client.get_run(run.info.run_id)
    check("fluent: gone on with", ("FINISHED", 2.5), (again.info.status, again.data.metrics["x"]))
    check("fluent: last active run", run.info.run_id, mlflow.last_active_run().info.run_id)


@section
def datasets():
    frame = pandas.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, None], "label": ["x", "y", "x"]})
    dataset = mlflow.data.from_pandas(frame, source="https://example.org/churn.csv", name="churn", targets="label")
    mlflow.set_experiment(experiment_id=EXPERIMENT)
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="training", tags={"split": "1"})
        mlflow.log_input(dataset, context="training")
        other = mlflow.data.from_numpy(frame[["a"]].to_numpy(), name="holdout")
        mlflow.log_input(other, context="eval")
    inputs = {i.dataset.name: i for i in client.get_run(run.info.run_id).inputs.dataset_inputs}
    check("dataset: of a run, once", ["churn", "holdout"], sorted(inputs))
    churn = inputs["churn"].dataset
    check("dataset: fields", (dataset.digest, "http", '{"url": "https://example.org/churn.csv"}'),
          (churn.digest, churn.source_type, churn.source))
    check("dataset: schema and profile", (dataset.to_dict()["schema"], dataset.to_dict()["profile"]), (churn.schema, churn.profile))
    tags = {t.key: t.value for t in inputs["churn"].tags}
    check("dataset: context is a tag", "training", tags["mlflow.data.context"])
    found = ask("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", json={"experiment_ids": [EXPERIMENT]})[1]
    summaries = sorted((d["name"], d["digest"], d.get("context")) for d in found["dataset_summaries"])
    check("dataset: search", sorted([("churn", dataset.digest, "training"), ("holdout", other.digest, "eval")]), summaries)
    source = mlflow.data.get_source(client.get_run(run.info.run_id).inputs.dataset_inputs[0])
    check("dataset: source is read back", True, source is not None)


done()
