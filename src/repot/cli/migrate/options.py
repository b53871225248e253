"""Arguments and options that the verbs of `repot migrate` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="[FOLDER]",
        help="The folder of migrations, or the project it is in.  [default: here]",
        show_default=False,
    ),
]
OnlyDatabase = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="Look at this database as well: what of the folder it has run. Without it none is "
        "asked.",
        show_default=False,
    ),
]
HERE = Path()
