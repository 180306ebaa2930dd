"""The three helpers of a training script. ``python -m millwright run SCRIPT`` gives them to one that does not import them."""

from __future__ import annotations

import importlib
import logging
import math
import os
import pickle
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, Mapping, Optional

from .datasets import SOURCE, active_run_id, log_dataset
from .delivery import deliver, open_spool
from .errors import NotConfigured, Unreachable
from .server import Server
from .sessions import is_logging
from .settings import load_settings
from .versions import metrics_of

_log = logging.getLogger("millwright")
PRODUCTION = "production"
#: Libraries whose models mlflow logs by a module of the same name, and how. Its newest format for scikit-learn takes no forests.
_FLAVORS: Mapping[str, Mapping[str, str]] = {
    "sklearn": {"serialization_format": "cloudpickle"},
    "xgboost": {},
    "lightgbm": {},
    "catboost": {},
}
_READERS = {".csv": "read_csv", ".parquet": "read_parquet", ".json": "read_json", ".jsonl": "read_json"}


def load_data_from_warehouse(source: Optional[str] = None) -> Any:
    """The rows to train on, as a pandas DataFrame: of ``source``, else of ``MILLWRIGHT_DATASET``: the path or address of a CSV, Parquet
    or JSON (lines) file. Inside an mlflow run, the run learns which rows they were (``log_dataset``)."""
    found = source or load_settings().dataset
    if not found:
        raise NotConfigured("which rows? set MILLWRIGHT_DATASET to the path or address of a CSV or Parquet file")
    kind = re.search(r"(\.csv|\.parquet|\.jsonl?)(\.(gz|bz2|xz|zst))?$", found.split("?")[0])
    if kind is None:
        raise NotConfigured(f"MILLWRIGHT_DATASET is {found!r}: expected a name that ends in .csv, .parquet, .json or .jsonl")
    try:
        pandas = importlib.import_module("pandas")
    except ImportError as error:
        raise NotConfigured("load_data_from_warehouse makes a pandas DataFrame: pip install pandas") from error
    options = {"lines": True} if kind[1] == ".jsonl" else {}
    frame = getattr(pandas, _READERS[kind[1]])(found, **options)
    frame.attrs[SOURCE] = found
    if active_run_id():
        log_dataset(frame)
    return frame


def get_production_model_auc(
    model: Optional[str] = None, metric: Optional[str] = None, alias: str = PRODUCTION
) -> float:
    """What the version in production scored, from the metrics of the run that made it; 0.0 when there is none in production.

    ``metric``: else ``MILLWRIGHT_METRIC``, else the first of roc_auc, auc, val_auc, test_auc … that the run has.
    NaN when that cannot be known, because the server is away or the version has no such metric: nothing is greater than NaN, so a
    script that compares does not promote blindly.
    """
    settings = load_settings()
    name = settings.model_or(model)
    try:
        metrics = metrics_of(Server(settings), name, alias)
    except Unreachable as error:
        _log.warning("%s; what %s@%s scored is not known", error, name, alias)
        return math.nan
    if metrics is None:
        return 0.0
    for key in (metric,) if metric else settings.metrics:
        if key in metrics:
            return metrics[key]
    known = ", ".join(sorted(metrics)) or "no metrics"
    _log.warning("the run of %s@%s has none of the metrics looked for; it has: %s", name, alias, known)
    return math.nan


def promote_to_production(
    what: Any = None,
    *,
    model: Optional[str] = None,
    reason: Optional[str] = None,
    alias: str = PRODUCTION,
) -> Optional[int]:
    """Moves ``alias`` of the model to the version that ``what`` is: a fitted model (it is logged and registered first), what mlflow's
    ``log_model`` or ``register_model`` returned, a number, ``models:/…``, ``runs:/…``, the id of a run; without it the active run's.

    Returns the number of the version, or None when the server is away: it is promoted when the spool is sent.
    Raises ``PromotionRefused`` with the rules that do not hold.
    """
    registered = getattr(what, "name", None) if hasattr(what, "version") else None
    name = load_settings().model_or(model or registered)
    asked = {"operation": "promote", "model": name, "alias": alias, "reason": reason}
    if not hasattr(what, "predict"):
        return _number(deliver({**asked, "source": _source_of(what)}))
    logged = _log_model(what, name)
    if logged is not None:
        return _number(deliver({**asked, "source": logged}))
    with _model_file(what) as file:
        run_id = active_run_id() or ""
        return _number(deliver({**asked, "file": str(file), "filename": file.name, "run_id": run_id}))


def _number(delivered: Optional[str]) -> Optional[int]:
    return None if delivered is None else int(delivered)


def _log_model(model: Any, name: str) -> Optional[str]:
    """Registers a fitted model through mlflow, so that its version knows the active run and its metrics; returns its number. None
    without such a run, when mlflow does not know the library, or when the server is away: then it is sent as a file."""
    library = type(model).__module__.split(".")[0]
    if library not in _FLAVORS or active_run_id() is None or not Server(load_settings()).is_up():
        return None
    flavor = importlib.import_module(f"mlflow.{library}")
    options = {"registered_model_name": name, **_FLAVORS[library]}
    return str(flavor.log_model(model, "model", **options).registered_model_version)


def _source_of(what: Any) -> str:
    if what is None:
        run = active_run_id()
        if run is None:
            raise NotConfigured("promote what? call it inside mlflow.start_run(), or pass a version, a run or a model")
        return run
    # Numbers of versions are the server's to give: while it is away, a model is named by what it was logged as.
    numbered = () if is_logging(open_spool()) else ("registered_model_version", "version")
    for attribute in (*numbered, "model_uri", "source"):
        value = getattr(what, attribute, None)
        if value is not None:
            return str(value)
    if isinstance(what, (str, int)):
        return str(what)
    raise TypeError(f"promote what? {type(what).__name__} is no model, version or run")


@contextmanager
def _model_file(model: Any) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{type(model).__name__.lower()}.pkl"
        file.write_bytes(pickle.dumps(model))
        os.chmod(file, 0o600)
        yield file
