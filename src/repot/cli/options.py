"""Options that the verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Project = Annotated[
    Path,
    typer.Option("--project", metavar="DIR", help="The project folder (where repot.toml is)."),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="PostgreSQL to work on. Default: DATABASE_URL, else libpq's own PG* variables and "
        "service files.",
        show_default=False,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout instead of text.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, max=64, help="Parallel connections.  [default: as in repot.toml]"
    ),
]
HERE = Path()
