"""`repot init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repot.cli.options import Json
from repot.cli.output import Output
from repot.project.scaffold import scaffold


def register(app: typer.Typer) -> None:
    app.command("init", epilog="Example: repot init shop --source public --target shop_v2")(init)


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
    json: Json = False,
    source: Annotated[str, typer.Option(help="The schema that is moved (V1).")] = "public",
    target: Annotated[
        str | None, typer.Option(help="The schema V2 is built in.  [default: FOLDER_v2]")
    ] = None,
    retired: Annotated[
        str | None, typer.Option(help="Where V1 goes at the cutover.  [default: FOLDER_old]")
    ] = None,
) -> None:
    """Make a project folder with commented settings and an example of each kind of file.

    Writes only files that are not there.
    """
    out = Output(json)
    made = scaffold(folder, source=source, target=target, retired=retired)
    for path in made:
        out.print(f"  {path}")
    out.print(
        "\nnext: describe the new schema in target.sql and each of its tables in moves/, then\n"
        f"  repot plan --project {folder} --database postgresql://…"
    )
    out.data({"ok": True, "files": [str(path) for path in made]})
