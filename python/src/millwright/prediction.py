"""Answers of a deployment."""

from __future__ import annotations

import math
from typing import Any, Mapping, Optional, Sequence, Union
from urllib.parse import quote

from .server import Server
from .settings import load_settings

Row = Mapping[str, Any]


def predict(
    deployment: str,
    rows: Union[Row, Sequence[Row], Any],
    *,
    subject: Optional[str] = None,
    outputs: Optional[Sequence[str]] = None,
) -> Union[dict[str, Any], list[dict[str, Any]]]:
    """What ``deployment`` answers to a row (a dict), or to rows (a list of dicts, a pandas DataFrame), in their order.

    An answer has ``id``, ``prediction`` and, as the model has them, ``probabilities`` and ``decision``. A row of several that
    is refused has ``error`` instead. ``subject``: whom all of it is about, for a rollout's split.
    Asking again computes the same again, so what did not get through is retried.

    Raises ``Refused`` with the server's problem document, or ``Unreachable``.
    """
    body: dict[str, Any] = _body(rows)
    if outputs is not None:
        body["outputs"] = list(outputs)
    if subject is not None:
        body.update({"subject": subject} if "row" in body else {"subjects": [subject] * _count(body)})
    path = f"/api/v1/deployments/{quote(deployment, safe='')}/predict"
    answer: dict[str, Any] = Server(load_settings()).post(path, body)
    predicted: Union[dict[str, Any], list[dict[str, Any]]] = answer["prediction" if "row" in body else "predictions"]
    return predicted


def _body(rows: Any) -> dict[str, Any]:
    if isinstance(rows, Mapping):
        return {"row": _row(rows)}
    if hasattr(rows, "columns") and hasattr(rows, "to_dict"):
        columns = rows.to_dict("list")
        return {"columns": {str(name): [_cell(value) for value in values] for name, values in columns.items()}}
    return {"rows": [_row(row) for row in rows]}


def _row(row: Row) -> dict[str, Any]:
    return {str(name): _cell(value) for name, value in row.items()}


def _cell(value: Any) -> Any:
    """A value as JSON has it: what is missing in pandas and numpy is null."""
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and math.isnan(plain):
        return None
    return None if type(plain).__name__ in ("NAType", "NaTType") else plain


def _count(body: Mapping[str, Any]) -> int:
    return len(body["rows"]) if "rows" in body else len(next(iter(body["columns"].values()), []))
