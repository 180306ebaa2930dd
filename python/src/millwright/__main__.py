"""``python -m millwright``: send the spool, see it, run a script with the helpers at hand."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
from contextlib import nullcontext
from typing import Optional, Sequence

from .delivery import flush, open_spool
from .errors import MillwrightError
from .offline import offline
from .pipeline import get_production_model_auc, load_data_from_warehouse, promote_to_production

_HELPERS = (load_data_from_warehouse, get_production_model_auc, promote_to_production)
_VARIABLES = {"model": "MILLWRIGHT_MODEL", "data": "MILLWRIGHT_DATASET", "metric": "MILLWRIGHT_METRIC"}


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m millwright", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("flush", help="send what was kept while the server was away")
    commands.add_parser("pending", help="count what waits, and say where")
    run = commands.add_parser("run", help="run a Python script that uses the three helpers without importing them")
    run.add_argument("--model", help="sets MILLWRIGHT_MODEL")
    run.add_argument("--data", help="sets MILLWRIGHT_DATASET")
    run.add_argument("--metric", help="sets MILLWRIGHT_METRIC")
    run.add_argument("--offline", action="store_true", help="let mlflow log to the spool when the server is away")
    run.add_argument("script")
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    asked = parser.parse_args(arguments)
    try:
        return {"flush": _flush, "pending": _pending, "run": _run}[asked.command](asked)
    except MillwrightError as error:
        print(f"millwright: {error}", file=sys.stderr)
        return 1


def _flush(_: argparse.Namespace) -> int:
    flushed = flush()
    print(f"{flushed.sent} sent, {flushed.refused} refused")
    return 1 if flushed.refused else 0


def _pending(_: argparse.Namespace) -> int:
    spool = open_spool()
    print(f"{spool.count()} in {spool.folder}")
    return 0


def _run(asked: argparse.Namespace) -> int:
    for option, variable in _VARIABLES.items():
        if getattr(asked, option):
            os.environ[variable] = getattr(asked, option)
    sys.argv = [asked.script, *asked.arguments]
    sys.path.insert(0, os.path.dirname(os.path.abspath(asked.script)))
    helpers = {helper.__name__: helper for helper in _HELPERS}
    with offline() if asked.offline else nullcontext():
        runpy.run_path(asked.script, helpers, "__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
