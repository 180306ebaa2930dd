"""Which rows a run was made from: the digest of their content, where they came from, and their columns."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
from pathlib import Path
from typing import Any, Mapping, Optional, Sequence

from .delivery import deliver
from .errors import NotConfigured

#: pandas' word → MLflow's.
_TYPES = {
    "bool": "boolean",
    "int8": "integer",
    "int16": "integer",
    "int32": "integer",
    "uint8": "integer",
    "uint16": "integer",
    "float32": "float",
    "float64": "double",
    "int64": "long",
    "uint32": "long",
}
#: Under this name a frame knows where it came from.
SOURCE = "millwright.source"


def log_dataset(
    data: Any,
    *,
    name: Optional[str] = None,
    source: Optional[str] = None,
    context: str = "training",
    run_id: Optional[str] = None,
) -> str:
    """Says which rows the run ``run_id``, else mlflow's active one, was made from; returns their digest.

    ``data``: a pandas DataFrame, a list of dicts, or the path of a file. The digest is of the content: of a file its bytes, of
    rows their CSV text; equal content has the same digest, wherever it lies. Kept in the spool when the server is away.
    """
    run = run_id or active_run_id()
    if run is None:
        raise NotConfigured("log_dataset: which run? call it inside mlflow.start_run(), or pass run_id=…")
    digest, entry = dataset_input(data, name=name, source=source, context=context)
    deliver({"operation": "log_inputs", "run_id": run, "datasets": [entry]})
    return digest


def active_run_id() -> Optional[str]:
    """Of mlflow, if the program uses it."""
    mlflow = sys.modules.get("mlflow")
    run = mlflow.active_run() if mlflow else None
    return run.info.run_id if run else None


def dataset_input(
    data: Any,
    *,
    name: Optional[str] = None,
    source: Optional[str] = None,
    context: str = "training",
) -> tuple[str, dict[str, Any]]:
    """The digest, and the entry of a log-inputs request."""
    attributes: Mapping[str, Any] = getattr(data, "attrs", {})
    uri = source or (str(data) if isinstance(data, (str, Path)) else attributes.get(SOURCE)) or "unknown"
    content, columns, rows = _read(data)
    # 128 bits: the protocol has room for 36 characters.
    digest = hashlib.sha256(content).hexdigest()[:32]
    is_web = uri.startswith(("http://", "https://"))
    dataset = {
        "name": name or Path(uri).name or "dataset",
        "digest": digest,
        "source_type": "http" if is_web else "local",
        "source": json.dumps({"url" if is_web else "uri": uri}),
        "schema": json.dumps({"mlflow_colspec": columns}),
        "profile": json.dumps({"num_rows": rows, "num_elements": rows * len(columns)}),
    }
    return digest, {"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": context}]}


#: Bytes of the content, columns, number of rows.
_Content = tuple[bytes, list[dict[str, Any]], int]


def _read(data: Any) -> _Content:
    if isinstance(data, (str, Path)):
        return _read_file(Path(data))
    if hasattr(data, "to_csv") and hasattr(data, "dtypes"):
        content = data.to_csv(index=False, lineterminator="\n").encode()
        columns = [_column(str(column), str(kind)) for column, kind in zip(data.columns, data.dtypes)]
        return content, columns, len(data)
    return _read_rows(list(data))


def _read_file(path: Path) -> _Content:
    content = path.read_bytes()
    if path.suffix != ".csv":
        return content, [], 0
    table = csv.reader(io.StringIO(content.decode("utf-8-sig", "replace")))
    header = next(table, [])
    return content, [_column(name, "object") for name in header], sum(1 for _ in table)


def _read_rows(rows: Sequence[Mapping[str, Any]]) -> _Content:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode(), [_column(name, _kind(rows, name)) for name in names], len(rows)


def _kind(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """pandas' word for the values of a column."""
    kinds = {type(row[name]) for row in rows if row.get(name) is not None}
    words: Mapping[frozenset[type], str] = {
        frozenset({bool}): "bool",
        frozenset({int}): "int64",
        frozenset({float}): "float64",
        frozenset({int, float}): "float64",
    }
    return words.get(frozenset(kinds), "object")


def _column(name: str, kind: str) -> dict[str, Any]:
    of_time = "datetime" if kind.startswith("datetime64") else "string"
    return {"type": _TYPES.get(kind, of_time), "name": name, "required": True}
