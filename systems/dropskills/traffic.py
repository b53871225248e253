"""A load that behaves like Dropskills' application, on V1 and V2, and knows what must be there.

    python systems/dropskills/traffic.py --database URL --writers 4 --seconds 30

`Traffic` starts writers and readers; `stop()` gives the `Ledger`, whose `missing(connection)` names
each acknowledged write that the database does not show. The parts are in the folder traffic/. Exit
codes: 0 all is there, 1 something is missing or the application saw errors, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal
import sys
import threading
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

_PACKAGE = "repot_dropskills_traffic"


def _parts() -> types.ModuleType:
    """The package beside this file, which may itself have been loaded under any name."""
    file = Path(__file__).parent / "traffic" / "__init__.py"
    loaded = sys.modules.get(_PACKAGE)
    if loaded is not None and loaded.__file__ == str(file):
        return loaded
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, file, submodule_search_locations=[str(file.parent)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    for name in [name for name in sys.modules if name.split(".")[0] == _PACKAGE]:
        del sys.modules[name]  # of another copy of this folder
    sys.modules[_PACKAGE] = package
    spec.loader.exec_module(package)
    return package


if TYPE_CHECKING:
    from traffic.ledger import Ledger
    from traffic.load import Traffic
else:
    Ledger, Traffic = _parts().Ledger, _parts().Traffic

__all__ = ["Ledger", "Traffic", "main"]


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit code."""
    given = _options().parse_args(arguments)
    if given.check:
        if not given.ledger:
            _options().error("--check needs --ledger")
        ledger = Ledger.read(given.ledger)
    else:
        try:
            ledger = _run(given)
        except (FileExistsError, ValueError) as wrong:
            _options().error(str(wrong))
    with psycopg.connect(given.database) as conn:
        missing = ledger.missing(conn)
    judged = {"compared": ledger.compared, "left_in_v1": ledger.left_in_v1, "missing": missing}
    _show({**ledger.figures(), **judged}, given.json)
    return 1 if missing or ledger.errors else 0


def _run(given: argparse.Namespace) -> Ledger:
    enough = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: enough.set())
    traffic = Traffic(
        given.database,
        writers=given.writers,
        readers=given.readers,
        seed=given.seed,
        rate=given.rate,
        ledger=given.ledger,
    )
    with traffic:
        enough.wait(given.seconds)
    return traffic.ledger


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Writes like Dropskills' application, then says whether all of it is there.",
        epilog="Exit codes: 0 all is there · 1 something is missing, or errors · 2 usage.",
    )
    url = os.environ.get("DATABASE_URL")
    parser.add_argument("--database", default=url or "", help="URL; else DATABASE_URL, PG*")
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--readers", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1, help="of what is done, not of the keys")
    parser.add_argument("--rate", type=float, help="transactions a second, of all writers together")
    parser.add_argument("--ledger", type=Path, help="each writer adds to a file FILE.<number>")
    parser.add_argument("--check", action="store_true", help="only judge what --ledger says")
    parser.add_argument("--json", action="store_true")
    return parser


def _show(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(figures, ensure_ascii=False, indent=2) + "\n")
        return
    for name, value in figures.items():
        lines = (
            value
            if isinstance(value, list)
            else [f"{n} {k}" for k, n in value.items()]
            if (isinstance(value, dict))
            else [value]
        )
        sys.stdout.write(f"{name:24} {lines[0] if lines else '–'}\n")
        for line in lines[1:20]:
            sys.stdout.write(f"{'':24} {line}\n")


if __name__ == "__main__":
    sys.exit(main())
