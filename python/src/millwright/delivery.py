"""Sending now when the server is there, and later when it is not, in the order of the calls."""

from __future__ import annotations

import logging
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Optional

from .errors import SpoolFull, Unreachable
from .operations import perform
from .sessions import finished_folders, hold, is_logging
from .server import Server
from .settings import load_settings
from .spool import Flushed, Operation, Spool
from .transfer import transfer

_log = logging.getLogger("millwright")
#: After a server did not answer, calls go to the spool for this long without asking it.
_PAUSE_SECONDS = 15.0
_away_until: dict[str, float] = {}


def open_spool() -> Spool:
    settings = load_settings()
    return Spool(settings.spool, settings.spool_bytes)


def flush() -> Flushed:
    """Sends what the spool holds, oldest first. Raises ``Unreachable``; what was sent until then stays sent."""
    return _flush(Server(load_settings()), open_spool())


def deliver(operation: Operation) -> Optional[str]:
    """Sends an operation, after all that wait; keeps it in the spool when the server does not answer.

    Returns the id of the run at the server, of a promotion the number of the version; None when the operation was kept. Raises ``Refused``.
    """
    server, spool = Server(load_settings()), open_spool()
    url = server.settings.url
    if is_logging(spool):
        _keep(spool, operation)
        return None
    if time.monotonic() >= _away_until.get(url, 0.0):
        try:
            _flush(server, spool)
            run_id = perform(server, spool, operation)
            _away_until.pop(url, None)
            return run_id
        except Unreachable as error:
            _away_until[url] = time.monotonic() + _PAUSE_SECONDS
            _log.warning("%s; what is logged is kept in %s until it is", error, spool.folder)
    _keep(spool, operation)
    return None


def _keep(spool: Spool, operation: Operation) -> None:
    try:
        file = operation.get("file")
        spool.append(operation, Path(file) if file else None)
    except SpoolFull as error:
        _log.error("%s", error)


def _flush(server: Server, spool: Spool) -> Flushed:
    def send(operation: Operation) -> None:
        run_id = perform(server, spool, operation)
        if operation["operation"] == "create_run":
            spool.name_run(operation["run_key"], run_id)

    if is_logging(spool):  # what it logs comes before what it promotes
        return Flushed()
    transferred = []
    for folder in finished_folders(spool):
        with hold(folder) or nullcontext():
            transferred.append(transfer(server, spool, folder))
    drained = spool.drain(send)
    flushed = Flushed(drained.sent + sum(transferred), drained.refused + transferred.count(False))
    if flushed.refused:
        _log.error("the server refused %d operations; what and why is in %s", flushed.refused, spool.folder)
    _away_until.pop(server.settings.url, None)
    return flushed
