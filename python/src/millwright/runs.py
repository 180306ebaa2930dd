"""Runs that are logged to whether the server is there or not; no mlflow needed."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Mapping, Optional, Type, Union

from .datasets import dataset_input
from .delivery import deliver
from .operations import metric_entry
from .settings import load_settings


class Run:
    """A run, by its id. Use as a context: it ends as FINISHED, or as FAILED when the block raises."""

    def __init__(self, run_id: str) -> None:
        #: The server's id; of a run that was begun while the server was away, the key that it will find it by.
        self.run_id = run_id

    def log_params(self, params: Mapping[str, Any]) -> None:
        self._log_batch(params=[{"key": key, "value": str(value)} for key, value in params.items()])

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        now = _now()
        self._log_batch(metrics=[metric_entry(key, value, step, now) for key, value in metrics.items()])

    def log_metric(self, key: str, value: float, step: int = 0) -> None:
        self.log_metrics({key: value}, step)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        self._log_batch(tags=[{"key": key, "value": str(value)} for key, value in tags.items()])

    def log_artifact(self, file: Union[str, Path], folder: str = "") -> None:
        """Keeps a file with the run, under its own name in ``folder``."""
        path = Path(file).resolve(strict=True)
        self._deliver("log_artifact", file=str(path), path=f"{folder}/{path.name}".lstrip("/"))

    def log_dataset(self, data: Any, **described: Any) -> str:
        """See ``millwright.log_dataset``."""
        digest, entry = dataset_input(data, **described)
        self._deliver("log_inputs", datasets=[entry])
        return digest

    def end(self, status: str = "FINISHED") -> None:
        self._deliver("update_run", status=status, end_time=_now())

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], _: Optional[BaseException], __: Optional[TracebackType]
    ) -> None:
        self.end("FINISHED" if kind is None else "FAILED")

    def _log_batch(self, **parts: Any) -> None:
        self._deliver("log_batch", **parts)

    def _deliver(self, operation: str, **fields: Any) -> None:
        deliver({"operation": operation, "run_id": self.run_id, **fields})


def start_run(experiment: str = "Default", name: str = "", tags: Optional[Mapping[str, str]] = None) -> Run:
    """Begins a run in ``experiment``, which is made when it is not there."""
    key = uuid.uuid4().hex
    created = deliver(
        {
            "operation": "create_run",
            "run_key": key,
            "experiment": experiment,
            "name": name,
            "user": load_settings().user,
            "start_time": _now(),
            "tags": dict(tags or {}),
        }
    )
    return Run(created or key)


def _now() -> int:
    return time.time_ns() // 1_000_000
