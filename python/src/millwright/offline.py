"""Plain mlflow code while the server is away."""

from __future__ import annotations

import importlib
import os
import uuid
from contextlib import contextmanager
from typing import Iterator, Mapping

from .delivery import flush, open_spool
from .errors import Unreachable
from .server import Server
from .sessions import DATABASE, hold
from .settings import load_settings


@contextmanager
def offline() -> Iterator[bool]:
    """Lets a block of plain mlflow code log whether the server is there or not.

    The server is asked once, at the start. When it is there, what the spool holds is sent, and mlflow logs to it. When it is
    not, mlflow logs to a SQLite database in the spool; runs with params, metrics, tags, datasets and files, logged models, registered
    versions and aliases are sent with the spool. A server that goes away within the block is mlflow's own affair.

    Gives whether mlflow logs to the spool. Needs mlflow with SQL support (``pip install mlflow``) for that.
    """
    settings = load_settings()
    if Server(settings).is_up():
        try:
            flush()
        except Unreachable:
            pass
        with _tracking_to(settings.url, {}):
            yield False
        return
    folder = open_spool().folder / "mlflow" / uuid.uuid4().hex
    folder.mkdir(parents=True, mode=0o700)
    held = hold(folder)
    try:
        # mlflow writes where it logs to into MLFLOW_TRACKING_URI.
        variables = {_FILES: str(folder / "files"), "MILLWRIGHT_URL": settings.url}
        with _tracking_to(f"sqlite:///{folder}/{DATABASE}", variables):
            yield True
    finally:
        if held:
            held.close()


#: Where mlflow's SQL store keeps files; versions that do not know it keep them in ./mlruns, from where they are sent, too.
_FILES = "_MLFLOW_SERVER_ARTIFACT_ROOT"


@contextmanager
def _tracking_to(uri: str, variables: Mapping[str, str]) -> Iterator[None]:
    mlflow = importlib.import_module("mlflow")
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    variables_before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before[0])
        mlflow.set_registry_uri(before[1])
        for name, value in variables_before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
