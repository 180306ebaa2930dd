"""Versions of a model: which one is meant, what it scored, and moving an alias to it."""

from __future__ import annotations

import re
from typing import Any, Mapping, Optional, Sequence
from urllib.parse import quote

from .errors import Refused, refusal
from .server import MLFLOW, Server, encode

_NOT_THERE = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})


def promote(server: Server, asked: Mapping[str, Any]) -> int:
    """Moves ``alias`` of ``model`` to ``version``, or to the one that ``source`` names. A model that nothing serves yet is served
    under its own name. Raises ``PromotionRefused`` when a rule of the model does not hold."""
    model, alias, file = asked["model"], asked["alias"], asked.get("file")
    version = _deploy_file(server, asked) if file else find_version(server, model, asked["source"])
    move = {"version": version, "reason": asked["reason"]}
    path = f"/api/v1/models/{quote(model, safe='')}/aliases/{quote(alias, safe='')}"
    server.call("PUT", path, encode({key: value for key, value in move.items() if value is not None}))
    if alias == "production":
        _serve(server, model, version)
    return version


def _deploy_file(server: Server, asked: Mapping[str, Any]) -> int:
    """The version that a model file becomes; the same bytes are the same version."""
    with open(asked["file"], "rb") as file:
        upload = server.call("PUT", "/api/v1/uploads", file, "application/octet-stream")
    body = {"digest": upload["digest"], "filename": asked["filename"]}
    if asked.get("run_id"):
        body["run_id"] = asked["run_id"]
    path = f"/api/v1/models/{quote(asked['model'], safe='')}/versions"
    return int(server.post(path, body)["number"])


def _serve(server: Server, model: str, version: int) -> None:
    page = server.get("/api/v1/deployments")
    while not any(deployment["model"] == model for deployment in page["data"]):
        if not page["next"]:
            server.post("/api/v1/deployments", {"name": model, "model": model, "version": version})
            return
        page = server.get(page["next"])


def find_version(server: Server, model: str, source: str) -> int:
    """Number of the version that is meant: ``3``, ``models:/churn/3``, ``models:/m-…``, ``runs:/RUN/path`` or a run's id. A model that
    was logged but not registered becomes a version."""
    number = re.fullmatch(r"(?:models:/[^/]+/)?(\d+)", source)
    if number:
        return int(number[1])
    run = re.fullmatch(r"(?:runs:/)?([A-Za-z0-9][\w-]*)(/.*)?", source) if not source.startswith("models:") else None
    versions = _versions_of(server, model)
    for version in versions:
        is_same = version.get("source") == source or f"models:/{version.get('model_id')}" == source
        if is_same or (run and version.get("run_id") == run[1]):
            return int(version["version"])
    uri = source if ":" in source else None
    if uri is None:
        detail = f'no version of model "{model}" comes from run {source}; log it with registered_model_name="{model}"'
        raise refusal(404, {"code": "VERSION_NOT_FOUND", "detail": detail})
    return _register(server, model, uri, run[1] if run else None)


def _versions_of(server: Server, model: str) -> Sequence[Mapping[str, Any]]:
    """Newest first."""
    name = model.replace("'", "''")
    query = {"filter": f"name='{name}'", "max_results": "10000", "order_by": "version_number DESC"}
    found = server.get(f"{MLFLOW}/model-versions/search", query).get("model_versions", [])
    return sorted(found, key=lambda version: -int(version["version"]))


def _register(server: Server, model: str, uri: str, run_id: Optional[str]) -> int:
    try:
        server.post(f"{MLFLOW}/registered-models/create", {"name": model})
    except Refused as error:
        if error.code != "RESOURCE_ALREADY_EXISTS":
            raise
    body = {"name": model, "source": uri, **({"run_id": run_id} if run_id else {})}
    answer = server.post(f"{MLFLOW}/model-versions/create", body, retry=False)
    return int(answer["model_version"]["version"])


def metrics_of(server: Server, model: str, alias: str) -> Optional[Mapping[str, float]]:
    """Metrics of the run that made the version which ``alias`` points to; None when there is no such version."""
    try:
        query = {"name": model, "alias": alias}
        version = server.get(f"{MLFLOW}/registered-models/alias", query)["model_version"]
    except Refused as error:
        if error.code not in _NOT_THERE:
            raise
        return None
    run_id = version.get("run_id")
    if not run_id:
        return {}
    run = server.get(f"{MLFLOW}/runs/get", {"run_id": run_id})["run"]
    return {metric["key"]: float(metric["value"]) for metric in run["data"].get("metrics", [])}
