"""Clients in processes of their own that write to the same things at the same time."""

import multiprocessing
import traceback

from checks import MARK, check, client, done, log_folder, section
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LogisticRegression

CALLERS = 3


def metrics(caller, run):
    for step in range(150):
        client.log_metric(run, "shared", step + caller / 10, step=step, timestamp=step)
        client.log_metric(run, f"own{caller}", step, step=step)
        if step % 10 == 0:
            client.log_batch(run, [Metric("batch", caller, step, step + i) for i in range(100)])
            client.set_tag(run, f"tag{caller}", step)


def params(caller, run):
    won = []
    for index in range(40):
        try:
            client.log_param(run, f"p{index}", str(caller))
            won.append(index)
        except MlflowException:
            pass
    return won


def register(caller, name, source, run):
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        assert error.error_code == "RESOURCE_ALREADY_EXISTS", error
    return [int(client.create_model_version(name, source, run).version) for _ in range(10)]


def alias(caller, name):
    for index in range(30):
        client.set_registered_model_alias(name, "champion", str(1 + (index + caller) % 10))


def experiments(caller, name):
    made = []
    for index in range(20):
        try:
            made.append(client.create_experiment(f"{name}-{index}"))
        except MlflowException as error:
            assert error.error_code == "RESOURCE_ALREADY_EXISTS", error
    return made


RUN = client.create_run(client.create_experiment(f"race-{MARK}")).info
NAME = f"race-{MARK}"
log_folder(RUN.run_id, LogisticRegression().fit([[0.0, 1.0], [1.0, 0.0]], [0, 1]))


def called(work, caller, arguments, answers):
    try:
        answers.put((caller, work(caller, *arguments), None))
    except Exception:
        answers.put((caller, None, traceback.format_exc()))


def race(work, *arguments):
    """All at once, each in a process of its own; what each returned."""
    forked = multiprocessing.get_context("fork")
    answers = forked.Queue()
    started = [forked.Process(target=called, args=(work, caller, arguments, answers)) for caller in range(CALLERS)]
    for process in started:
        process.start()
    given = sorted(answers.get(timeout=240) for _ in started)
    for process in started:
        process.join()
    check(f"{work.__name__}: nobody failed", [None] * CALLERS, [failure for _, _, failure in given])
    return [answer for _, answer, _ in given]


@section
def same_run():
    race(metrics, RUN.run_id)
    data = client.get_run(RUN.run_id).data
    shared = sorted((m.step, m.value) for m in client.get_metric_history(RUN.run_id, "shared"))
    check("metrics: none is lost", [(step, step + caller / 10) for step in range(150) for caller in range(CALLERS)], shared)
    check("metrics: the latest", 149 + (CALLERS - 1) / 10, data.metrics["shared"])
    check("metrics: of each", [150] * CALLERS, [len(client.get_metric_history(RUN.run_id, f"own{c}")) for c in range(CALLERS)])
    rows = {(c, s, s + i) for c in range(CALLERS) for s in range(0, 150, 10) for i in range(100)}
    check("metrics: batches", rows, {(int(m.value), m.timestamp, m.step) for m in client.get_metric_history(RUN.run_id, "batch")})
    check("tags: of each", ["140"] * CALLERS, [data.tags[f"tag{c}"] for c in range(CALLERS)])


@section
def same_params():
    won = race(params, RUN.run_id)
    check("params: each has one winner", list(range(40)), sorted(index for one in won for index in one))
    found = client.get_run(RUN.run_id).data.params
    check("params: the winner's value stays", {f"p{i}": str(c) for c, one in enumerate(won) for i in one}, found)


@section
def same_model():
    numbers = race(register, NAME, f"{RUN.artifact_uri}/model", RUN.run_id)
    check("versions: each number once", list(range(1, 10 * CALLERS + 1)), sorted(number for one in numbers for number in one))


@section
def same_alias():
    race(alias, NAME)
    aliases = client.get_registered_model(NAME).aliases
    version = client.get_model_version_by_alias(NAME, "champion").version
    check("alias: one, and both ways say the same", ({"champion": str(version)}), {k: str(v) for k, v in aliases.items()})


@section
def same_experiments():
    made = race(experiments, NAME)
    check("experiments: each name once", 20, len({identifier for one in made for identifier in one}))


done()
