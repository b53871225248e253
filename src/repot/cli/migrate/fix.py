"""`repot migrate fix`."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import typer
from rich.markup import escape

from repot import migrations
from repot.cli.migrate.lint import counted
from repot.cli.migrate.options import HERE, Folder, OnlyDatabase
from repot.cli.options import Json
from repot.cli.output import Output, plural
from repot.model.errors import Exit, UsageError
from repot.model.finding import Severity

Yes = Annotated[bool, typer.Option("--yes", help="Write the files without asking.")]
_STYLES = {"+": "green", "-": "red", "@": "cyan"}
# What a terminal would act on or not show; line ends within a line too.
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u00a0\u200b-\u200f\u202a-\u202e\u2060\ufeff]")


def register(app: typer.Typer) -> None:
    app.command("fix", epilog="Example: repot migrate fix prisma/migrations --yes")(fix)


def fix(
    folder: Folder = HERE, database: OnlyDatabase = None, yes: Yes = False, json: Json = False
) -> None:
    """Take out of the files what is not SQL, where nothing is lost by it: a line of npm's, colour
    codes, a byte-order mark, psql's commands.

    Shows the change of each file and asks. Never touches a file that the database given with
    --database has run. Leaves with 1 where something remains that is an error.
    """
    out = Output(json)
    fixes, remaining = migrations.plan_fix(folder, database)
    wanted = tuple(f for f in fixes if not f.applied)
    for one in fixes:
        _show(out, one.diff)
    if wanted and not yes and not json:
        if not sys.stdin.isatty():
            raise UsageError(
                "not-confirmed",
                f"{plural(len(wanted), 'file')} would be changed, and nobody can be asked",
                hint="look at the diff, then: repot migrate fix --yes",
            )
        if not typer.confirm(f"Write {plural(len(wanted), 'file')}?", err=True):
            raise typer.Exit(Exit.FAILED)
    written = migrations.write_fix(wanted) if yes or (wanted and not json) else ()
    if remaining:
        out.print("What remains in them:")
        out.findings(remaining)
    out.print(f"{plural(len(written), 'file')} written; in them: {counted(remaining)}")
    ok = not any(f.severity is Severity.ERROR for f in remaining)
    out.data(
        {
            "ok": ok,
            "written": written,
            "fixes": [
                {
                    "file": f.file,
                    "applied": f.applied,
                    "diff": f.diff,
                    "cuts": [c.model_dump(mode="json") for c in f.cuts],
                }
                for f in fixes
            ],
            "findings": [f.model_dump(mode="json") for f in remaining],
        }
    )
    if not ok:
        raise typer.Exit(Exit.FAILED)


def _show(out: Output, diff: str) -> None:
    for line in diff.split("\n"):
        shown = escape(_HIDDEN.sub(_named, line.removesuffix("\r")))
        style = _STYLES.get(line[:1])
        out.print(f"[{style}]{shown}[/]" if style else shown)


def _named(found: re.Match[str]) -> str:
    return f"<U+{ord(found[0]):04X}>"
