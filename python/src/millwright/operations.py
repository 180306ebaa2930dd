"""What can be sent now or later: each operation is data (a line of the spool), and one function that carries it out.

Carrying one out again does no more than once: metrics are stored once by (key, step, time, value), a param may be said again
with the same value, a tag and a file take the last, and a run is looked for by the key it was made with.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, Callable, Mapping
from urllib.parse import quote

from .errors import Refused, refusal
from .server import MLFLOW, Body, Server
from .spool import Operation, Spool
from .versions import promote

RUN_KEY = "millwright.run_key"
#: Of a run or a logged model, within an address.
_ID = re.compile(r"(?<![\w-])(?:m-)?[0-9a-f]{32}(?![\w-])")
#: Most that one batch may hold of each, and in all.
_BATCH = {"metrics": 800, "params": 100, "tags": 100}


def perform(server: Server, spool: Spool, operation: Operation) -> str:
    """Carries an operation out. Returns the id of its run, of a promotion the number of the version.

    Raises ``Unreachable`` or ``Refused``.
    """
    run_id = spool.run_id(operation.get("run_id", ""))
    carry_out = OPERATIONS[operation["operation"]]
    file = operation.get("file")
    path = spool.path_of(file) if file and not Path(file).is_absolute() else file
    source = _ID.sub(lambda found: spool.run_id(found[0]), operation.get("source", ""))
    return carry_out(server, {**operation, "run_id": run_id, "file": path, "source": source}) or run_id


def _create_run(server: Server, asked: Operation) -> str:
    experiment = experiment_id(server, asked["experiment"])
    found = server.post(
        f"{MLFLOW}/runs/search",
        {
            "experiment_ids": [experiment],
            "filter": f"tags.`{RUN_KEY}` = '{asked['run_key']}'",
            "max_results": 1,
        },
    )
    if found.get("runs"):
        return str(found["runs"][0]["info"]["run_id"])
    tags = [{"key": key, "value": value} for key, value in {**asked["tags"], RUN_KEY: asked["run_key"]}.items()]
    run = {
        "experiment_id": experiment,
        "run_name": asked["name"],
        "start_time": asked["start_time"],
        "user_id": asked["user"],
        "tags": tags,
    }
    return str(server.post(f"{MLFLOW}/runs/create", run, retry=False)["run"]["info"]["run_id"])


def experiment_id(server: Server, name: str) -> str:
    try:
        found = server.get(f"{MLFLOW}/experiments/get-by-name", {"experiment_name": name})
        return str(found["experiment"]["experiment_id"])
    except Refused as error:
        if error.code != "RESOURCE_DOES_NOT_EXIST":
            raise
    try:
        return str(server.post(f"{MLFLOW}/experiments/create", {"name": name})["experiment_id"])
    except Refused as error:
        if error.code != "RESOURCE_ALREADY_EXISTS":  # another program was quicker
            raise
    return experiment_id(server, name)


def _log_batch(server: Server, asked: Operation) -> None:
    parts = {part: list(asked.get(part, [])) for part in _BATCH}
    while any(parts.values()):
        batch = {part: entries[: _BATCH[part]] for part, entries in parts.items()}
        server.post(f"{MLFLOW}/runs/log-batch", {"run_id": asked["run_id"], **batch})
        parts = {part: entries[_BATCH[part] :] for part, entries in parts.items()}


def _log_inputs(server: Server, asked: Operation) -> None:
    server.post(f"{MLFLOW}/runs/log-inputs", {"run_id": asked["run_id"], "datasets": asked["datasets"]})


def _update_run(server: Server, asked: Operation) -> None:
    server.post(f"{MLFLOW}/runs/update", {key: asked[key] for key in ("run_id", "status", "end_time")})


def _log_artifact(server: Server, asked: Operation) -> None:
    run = server.get(f"{MLFLOW}/runs/get", {"run_id": asked["run_id"]})["run"]
    with open(asked["file"], "rb") as file:
        put_file(server, str(run["info"]["artifact_uri"]), asked["path"], file)


def put_file(server: Server, root: str, path: str, content: Body) -> None:
    """Keeps a file below the ``artifact_uri`` of a run or a logged model."""
    if not root.startswith("mlflow-artifacts:/"):
        detail = f"files are kept at {root}, and this package sends them through the server only"
        raise refusal(400, {"code": "ARTIFACTS_ELSEWHERE", "detail": detail})
    target = quote(f"{root[len('mlflow-artifacts:') :].lstrip('/')}/{path}")
    server.call("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{target}", content, "application/octet-stream")


def _promote(server: Server, asked: Operation) -> str:
    return str(promote(server, asked))


OPERATIONS: Mapping[str, Callable[[Server, Operation], Any]] = {
    "create_run": _create_run,
    "log_batch": _log_batch,
    "log_inputs": _log_inputs,
    "update_run": _update_run,
    "log_artifact": _log_artifact,
    "promote": _promote,
}


def metric_entry(key: str, value: float, step: int, timestamp: int) -> dict[str, Any]:
    """A metric as the protocol writes it: numbers that JSON does not have are texts."""
    number = float(value)
    named = "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    return {
        "key": key,
        "value": number if math.isfinite(number) else named,
        "timestamp": timestamp,
        "step": step,
    }
