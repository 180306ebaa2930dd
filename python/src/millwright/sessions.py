"""Folders in which mlflow logs while the server is away: a database of its own and files, locked by the process that logs."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Optional

from .spool import Spool, lock

DATABASE = "mlflow.db"
_LOCK = "lock"


def folders(spool: Spool) -> list[Path]:
    root = spool.folder / "mlflow"
    return sorted(root.iterdir()) if root.exists() else []


def hold(folder: Path) -> Optional[IO[str]]:
    """The lock of a folder, held until it is closed; None when a living process has it."""
    file = open(folder / _LOCK, "a")
    try:
        lock(file, wait=False)
    except OSError:
        file.close()
        return None
    return file


def is_logging(spool: Spool) -> bool:
    """Whether mlflow is logging to a folder of the spool now, in this process or another."""
    return len(finished_folders(spool)) < len(folders(spool))


def finished_folders(spool: Spool) -> list[Path]:
    return [folder for folder in folders(spool) if _is_free(folder)]


def _is_free(folder: Path) -> bool:
    held = hold(folder)
    if held:
        held.close()
    return held is not None
