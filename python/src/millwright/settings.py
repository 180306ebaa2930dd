"""What the environment says, read in one place."""

from __future__ import annotations

import getpass
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Optional

from .errors import NotConfigured

DEFAULT_URL = "http://localhost:7600"
DEFAULT_METRICS = ("roc_auc", "auc", "val_auc", "test_auc", "val_roc_auc", "test_roc_auc")


@dataclass(frozen=True)
class Settings:
    #: ``MILLWRIGHT_URL``, else ``MLFLOW_TRACKING_URI`` when it is http(s).
    url: str
    #: ``MILLWRIGHT_API_KEY``, else ``MLFLOW_TRACKING_TOKEN``.
    api_key: Optional[str]
    #: ``MILLWRIGHT_USER``, else who is logged in: recorded with every change, where no key is asked for.
    user: str
    #: ``MILLWRIGHT_TIMEOUT``: seconds that one answer may take.
    timeout: float
    #: ``MILLWRIGHT_SPOOL``, and in it a folder for each server.
    spool: Path
    #: ``MILLWRIGHT_SPOOL_BYTES``: most that the spool may take on disk.
    spool_bytes: int
    #: ``MILLWRIGHT_MODEL``: the model that the helpers of a training script are about.
    model: Optional[str]
    #: ``MILLWRIGHT_METRIC``: what they compare by; the first that the run has.
    metrics: tuple[str, ...]
    #: ``MILLWRIGHT_DATASET``: path or address of the rows that they train on.
    dataset: Optional[str]

    def model_or(self, given: Optional[str]) -> str:
        name = given or self.model
        if not name:
            raise NotConfigured("which model? set MILLWRIGHT_MODEL to its name, or pass model=…")
        return name


def load_settings(env: Mapping[str, str] = os.environ) -> Settings:
    tracking = env.get("MLFLOW_TRACKING_URI", "")
    from_tracking = tracking if re.match(r"https?://", tracking) else ""
    url = (env.get("MILLWRIGHT_URL") or from_tracking or DEFAULT_URL).rstrip("/")
    if not re.match(r"https?://[^/]", url):
        raise NotConfigured(f"MILLWRIGHT_URL is {url!r}: expected http:// or https:// and a host")
    base = Path(env.get("MILLWRIGHT_SPOOL") or Path.home() / ".millwright" / "spool")
    metric = env.get("MILLWRIGHT_METRIC")
    return Settings(
        url=url,
        api_key=env.get("MILLWRIGHT_API_KEY") or env.get("MLFLOW_TRACKING_TOKEN") or None,
        user=env.get("MILLWRIGHT_USER") or _logged_in(),
        timeout=_number(env, "MILLWRIGHT_TIMEOUT", 30.0),
        spool=base / re.sub(r"[^A-Za-z0-9.]+", "-", url.split("//", 1)[1]),
        spool_bytes=int(_number(env, "MILLWRIGHT_SPOOL_BYTES", 1 << 30)),
        model=env.get("MILLWRIGHT_MODEL") or None,
        metrics=(metric,) if metric else DEFAULT_METRICS,
        dataset=env.get("MILLWRIGHT_DATASET") or None,
    )


def _logged_in() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container's user that has no name
        return ""


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise NotConfigured(f"{name} is {text!r}: expected a number above 0")
    return value
