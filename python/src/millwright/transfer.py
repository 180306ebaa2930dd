"""Sends what mlflow logged to a folder of the spool. Sending it again makes nothing twice."""

from __future__ import annotations

import importlib
import logging
import shutil
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import unquote, urlsplit

from .errors import Refused
from .operations import experiment_id, metric_entry, perform, put_file
from .server import MLFLOW, Server, encode
from .sessions import DATABASE
from .spool import Operation, Spool
from .versions import find_version

_log = logging.getLogger("millwright")
MODEL_KEY = "millwright.model_key"


def transfer(server: Server, spool: Spool, folder: Path) -> bool:
    """Sends a folder and removes it; False: the server refused something, and the folder is kept under another name.

    Raises ``Unreachable``; the next call begins anew.
    """
    if not (folder / DATABASE).exists():
        shutil.rmtree(folder)
        return True
    uri = f"sqlite:///{folder}/{DATABASE}"
    client = importlib.import_module("mlflow").MlflowClient(tracking_uri=uri, registry_uri=uri)
    try:
        for experiment in client.search_experiments():
            for run in _pages(client.search_runs, [experiment.experiment_id], max_results=1000):
                _send_run(server, spool, client, experiment.name, run)
            for model in _logged_models(client, experiment.experiment_id):
                _send_model(server, spool, experiment.name, model)
        for registered in _pages(client.search_registered_models):
            _send_versions(server, spool, client, registered)
    except Refused as error:
        kept = spool.folder / f"refused-{folder.name}"
        folder.rename(kept)
        _log.error("the server refused what mlflow logged while it was away (%s); it is kept in %s", error, kept)
        return False
    shutil.rmtree(folder)
    return True


def _pages(search: Any, *given: Any, **options: Any) -> Iterator[Any]:
    token = None
    while True:
        page = search(*given, page_token=token, **options)
        yield from page
        token = page.token
        if not token:
            return


def _logged_models(client: Any, experiment: str) -> Iterator[Any]:
    """None before version 3."""
    if hasattr(client, "search_logged_models"):
        yield from _pages(client.search_logged_models, [experiment])


def _send_run(server: Server, spool: Spool, client: Any, experiment: str, run: Any) -> None:
    info, data = run.info, run.data
    made = {
        "run_key": info.run_id,
        "experiment": experiment,
        "name": info.run_name or "",
        "user": info.user_id or "",
        "start_time": info.start_time,
        "tags": dict(data.tags),
    }
    spool.name_run(info.run_id, perform(server, spool, {"operation": "create_run", **made}))

    def send(operation: str, **fields: Any) -> None:
        asked: Operation = {"operation": operation, "run_id": info.run_id, **fields}
        perform(server, spool, asked)

    history = (metric for key in data.metrics for metric in client.get_metric_history(info.run_id, key))
    send(
        "log_batch",
        params=[{"key": key, "value": value} for key, value in data.params.items()],
        metrics=[metric_entry(one.key, one.value, one.step, one.timestamp) for one in history],
    )
    inputs = [entry.to_dictionary() for entry in run.inputs.dataset_inputs] if run.inputs else []
    if inputs:
        send("log_inputs", datasets=[_dataset_entry(entry) for entry in inputs])
    for path, file in _files(info.artifact_uri):
        send("log_artifact", file=str(file.resolve()), path=path)
    if info.end_time:
        send("update_run", status=info.status, end_time=info.end_time)


def _dataset_entry(entry: Any) -> Any:
    tags = entry["tags"]
    listed = [{"key": key, "value": value} for key, value in tags.items()] if isinstance(tags, dict) else tags
    return {**entry, "tags": listed}


def _send_model(server: Server, spool: Spool, experiment: str, model: Any) -> None:
    remote = experiment_id(server, experiment)
    found = server.post(
        f"{MLFLOW}/logged-models/search",
        {"experiment_ids": [remote], "filter": f"tags.`{MODEL_KEY}` = '{model.model_id}'"},
    ).get("models")
    run_id = spool.run_id(model.source_run_id or "")
    info = (found[0] if found else _create_model(server, remote, run_id, model))["info"]
    new_id = str(info["model_id"])
    spool.name_run(model.model_id, new_id)
    for path, file in _files(model.artifact_location):
        with open(file, "rb") as stream:
            named = [model.model_id, model.source_run_id] if path == "MLmodel" else []
            put_file(server, info["artifact_uri"], path, _renamed(stream.read(), spool, named) if named else stream)
    status = {"model_id": new_id, "status": f"LOGGED_MODEL_{_status(model)}"}
    server.call("PATCH", f"{MLFLOW}/logged-models/{new_id}", encode(status))
    if run_id:
        server.post(f"{MLFLOW}/runs/outputs", {"run_id": run_id, "models": [{"model_id": new_id, "step": 0}]})


def _create_model(server: Server, experiment: str, run_id: str, model: Any) -> Any:
    asked = {
        "experiment_id": experiment,
        "name": model.name,
        "source_run_id": run_id,
        "model_type": model.model_type or "",
        "params": [{"key": key, "value": value} for key, value in (model.params or {}).items()],
        "tags": [{"key": key, "value": value} for key, value in {**model.tags, MODEL_KEY: model.model_id}.items()],
    }
    return server.post(f"{MLFLOW}/logged-models", asked, retry=False)["model"]


def _status(model: Any) -> str:
    return str(getattr(model.status, "value", model.status)).upper()


def _renamed(content: bytes, spool: Spool, ids: list[str]) -> bytes:
    for given in filter(None, ids):
        content = content.replace(given.encode(), spool.run_id(given).encode())
    return content


def _send_versions(server: Server, spool: Spool, client: Any, registered: Any) -> None:
    name = registered.name
    versions = client.search_model_versions(f"name = '{name}'")
    numbers: dict[str, int] = {}
    for version in sorted(versions, key=lambda one: int(one.version)):
        numbers[str(version.version)] = find_version(server, name, _source(spool, client, version))
    for alias, number in registered.aliases.items():
        spool.append(
            {
                "operation": "promote",
                "model": name,
                "source": str(numbers[str(number)]),
                "alias": alias,
                "reason": "set while the server was away",
            }
        )


def _source(spool: Spool, client: Any, version: Any) -> str:
    """Where the files of a version lie at the server: of a logged model, before version 3 of a run."""
    if version.source.startswith("models:/"):
        return f"models:/{spool.run_id(version.source[len('models:/') :])}"
    root = client.get_run(version.run_id).info.artifact_uri
    return f"runs:/{spool.run_id(version.run_id)}/{version.source[len(root) :].strip('/')}"


def _files(uri: str) -> Iterator[tuple[str, Path]]:
    """Path below a folder, and where it lies."""
    root = Path(unquote(urlsplit(uri).path) if uri.startswith("file:") else uri)
    for file in sorted(root.rglob("*")):
        if file.is_file():
            yield file.relative_to(root).as_posix(), file
