"""`repot access`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from repot import service
from repot.cli.options import HERE, Database, Json, Project
from repot.cli.output import Output, plural, seconds
from repot.cli.progress import TerminalProgress
from repot.engine.access import in_words
from repot.model.access import Access, Comparison
from repot.model.errors import Exit
from repot.model.finding import Severity

Schema = Annotated[
    str | None,
    typer.Option(
        "--schema",
        metavar="NAME",
        help="Try the tables of this schema. Default: where V2 stands; without a project, "
        "`schema` in access.toml.",
        show_default=False,
    ),
]
Compare = Annotated[
    bool, typer.Option("--compare", help="Try V1, too, and show what changes for whom.")
]
Tables = Annotated[
    list[str] | None,
    typer.Option("--table", metavar="NAME", help="Only this table; may be repeated."),
]


def register(app: typer.Typer) -> None:
    app.command("access", epilog="Example: repot access --project shop --compare")(access)


def access(
    project: Project = HERE,
    database: Database = None,
    schema: Schema = None,
    compare: Compare = False,
    table: Tables = None,
    json: Json = False,
) -> None:
    """Try who may reach which rows, and compare it with access.toml.

    Each statement is really tried, as the role and with the claims of a request, in a transaction
    that is rolled back. Works on a project and on any folder with an access.toml. Exit code 1 if
    something differs, or fails.
    """
    out = Output(json)
    if compare and schema:
        raise typer.BadParameter(
            "it compares V1 with V2: leave --schema out", param_hint="--compare"
        )
    with TerminalProgress(quiet=json) as progress:
        found = service.access(
            project, database, schema=schema, compare=compare, only=table or (), progress=progress
        )
    if isinstance(found, Comparison):
        show_comparison(out, found)
        out.data({"ok": found.after.passed, **found.model_dump(mode="json")})
        passed = found.after.passed
    else:
        show_access(out, found)
        out.data({"ok": found.passed, **found.model_dump(mode="json")})
        passed = found.passed
    if not passed:
        raise typer.Exit(Exit.FAILED)


def show_access(out: Output, found: Access) -> None:
    """What differs first, then the matrix, then functions that lend rights."""
    out.findings(found.findings)
    if found.findings:
        out.print("")
    out.print(_matrix(found))
    lending = [f for f in found.functions if f.definer]
    if lending:
        out.print("\nfunctions that run with their owner's rights:")
        for function in lending:
            out.print(f"  {escape(function.function)}: {', '.join(function.identities)}")
    out.print("\n" + access_line(found))


def access_line(found: Access) -> str:
    """One line: what was tried and what differs."""
    tried = f"{plural(found.tries, 'statement')} tried in {escape(found.schema_)}"
    open_ = f", {found.untried:,} could not be" if found.untried else ""
    differ = len(found.errors)
    if not differ:
        verdict = "[green]as declared[/]" if found.side != "v1" else "shown as it is"
    else:
        verdict = f"[bold red]{plural(differ, 'difference')}[/]"
    warnings = sum(f.severity is Severity.WARNING for f in found.findings)
    more = f", {plural(warnings, 'warning')}" if warnings else ""
    return f"{tried}{open_}: {verdict}{more} ({seconds(found.ms)})"


def show_comparison(out: Output, found: Comparison) -> None:
    """What changes from V1 to V2, then V2."""
    (who, old), (_, new) = in_words(found.before), in_words(found.after)
    before, after = dict(old), dict(new)
    changed = {(c.table, c.identity) for c in found.changes}
    changes = Table("table", "who", "V1", "V2", box=None, header_style="bold")
    for table in dict.fromkeys((*after, *before)):
        for place, one in enumerate(who):
            if (table, one) in changed:
                was, is_ = (m[table][place] if table in m else "-" for m in (before, after))
                changes.add_row(escape(table), one, _word(was), _word(is_))
    if found.changes:
        out.print(changes)
        out.print("")
    out.print(f"{plural(len(found.changes), 'change')} from V1 to V2\n")
    show_access(out, found.after)


def _matrix(found: Access) -> Table:
    who, rows = in_words(found)
    table = Table("table", *who, box=None, header_style="bold")
    table.columns[0].no_wrap = True
    for name, texts in rows:
        table.add_row(escape(name), *map(_word, texts))
    return table


def _word(text: str) -> str:
    shown = escape(text).replace("error", "[bold red]error[/]")
    return f"[dim]{shown}[/]" if text in ("-", "?") else shown
