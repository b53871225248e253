"""`repot demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from repot.cli.options import Json
from repot.cli.output import Output, plural
from repot.cli.progress import TerminalProgress
from repot.demo import BothWays, DemoResult, Secured, tell
from repot.model.checks import Outcome
from repot.model.errors import Exit


def register(app: typer.Typer) -> None:
    app.command("demo", epilog="Example: repot demo dropskills --rows 20000 --report out")(demo)


def demo(
    system: Annotated[
        str, typer.Argument(help="Which system: dropskills, personalization.")
    ] = "dropskills",
    rows: Annotated[
        int, typer.Option(min=500, help="About how many rows V1 holds, over all tables.")
    ] = 200_000,
    seed: Annotated[int, typer.Option(help="Seed of the rows and of the writes.")] = 1,
    writers: Annotated[
        int, typer.Option(min=1, max=64, help="Clients that write all the time (dropskills).")
    ] = 2,
    rate: Annotated[
        float, typer.Option(min=1, help="Transactions a second that they aim at, together.")
    ] = 150,
    idle: Annotated[bool, typer.Option("--idle", help="Nobody writes meanwhile.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Folder for the report.  [default: none is kept]")
    ] = None,
    json: Json = False,
) -> None:
    """Move a whole system on a private PostgreSQL while its application writes: there, back, and
    there again.

    Builds V1 with messy rows, then audit → backup → plan → copy → verify → cutover → writes on V2 →
    rollback → writes on V1 → verify → cutover → report. Each write that a client was acknowledged
    is looked for at the end. Needs no server; leaves nothing behind.

    amethyst lists what people should see before, and tries the features of V2 and who may reach
    which of its rows. personalization is changed both ways, as a move and as a folder of
    migrations, and the two are compared. Their applications write between cutover and rollback.
    """
    out = Output(json)
    with TerminalProgress(quiet=json) as progress:
        result = tell(
            system, rows, seed, progress, report, writers=0 if idle else writers, rate=rate
        )
    _show(out, result)
    out.data(_document(result))
    if not result.ok:
        raise typer.Exit(Exit.FAILED)


def _show(out: Output, result: DemoResult) -> None:
    compared = {proof.table: proof for proof in result.verdicts[0].tables}
    table = Table(
        "V1 table",
        "rows",
        "where they went",
        "compared",
        "differ",
        box=None,
        header_style="bold",
    )
    for account in result.accounts:
        kinds = {
            "moved": account.moved,
            "merged": account.merged,
            "split": account.split,
            "left out": account.left,
        }
        how = ", ".join(f"{n:,} {kind}" for kind, n in kinds.items() if n)
        into = " + ".join(account.into)
        proofs = [compared[name] for name in account.into if name in compared]
        table.add_row(
            escape(account.table),
            f"{account.rows:,}",
            escape(f"{into}: {how}" if into else how or "–"),
            f"{sum(p.rows_compared for p in proofs):,}",
            f"{sum(p.differences for p in proofs):,}",
        )
    for number in (1, 3, 4):
        table.columns[number].justify = "right"
    out.print("")
    out.print(table)
    first, second = result.cutovers
    verdict = result.verdicts[0]
    lines = [
        f"{plural(verdict.rows_compared, 'row')} compared, {verdict.differences:,} differences, "
        f"{sum(a.unaccounted for a in result.accounts):,} rows unaccounted for",
        f"writers paused: cutover {first.pause_ms:,.0f} ms, rollback "
        f"{result.rollback.pause_ms:,.0f} ms, cutover again {second.pause_ms:,.0f} ms",
        *_written(result),
    ]
    if isinstance(result, BothWays):
        lines += _both_ways(result)
    if isinstance(result, Secured):
        lines += _secured(result)
    out.print("")
    for line in lines:
        out.print(line)
    if result.report:
        out.print(f"report: {result.report}")
    out.print(f"{result.seconds:,.0f} s in all: " + _steps(result))


def _both_ways(result: BothWays) -> list[str]:
    """The folder beside the move, and the folder's story."""
    both = result.both_ways
    differ = len(both.schema_differences) + sum(both.row_differences.values())
    return [
        f"{plural(result.folder.applied, 'migration')} deployed in {result.folder.seconds:,.1f} s; "
        f"the folder and the move end in the same {plural(both.tables, 'table')} and "
        f"{plural(both.rows, 'row')}: {differ:,} differences",
        *(
            f"{'✓' if chapter.ok else '✗'} {escape(chapter.title)}"
            + (f" [dim]({escape(chapter.said)})[/]" if chapter.said else "")
            for chapter in result.story
        ),
    ]


def _secured(result: Secured) -> list[str]:
    """What was listed beforehand, checked and tried."""
    listed = ", ".join(f"{one.count:,} {one.name.replace('_', ' ')}" for one in result.listings)
    checks, access = result.checks, result.access
    wrong = [c for c in checks.checks if c.outcome is not Outcome.PASSED]
    features = ", ".join(
        f"{'✓' if c.outcome is Outcome.PASSED else '✗'} {escape(_first_words(c.name))}"
        for c in checks.checks
        if c.kind == "feature"
    )
    return [
        f"listed before: {escape(listed)}",
        f"{plural(checks.count(Outcome.PASSED), 'check')} passed, {len(wrong):,} did not; "
        f"features: {features}",
        *(f"✗ {escape(c.name)}: {escape('; '.join(c.reasons))}" for c in wrong),
        f"access: {plural(len(access.cells), 'cell')} of {plural(len(access.tables), 'table')} "
        f"tried with {plural(access.tries, 'statement')}, {len(access.errors):,} not as "
        "access.toml says",
        *(f"✗ {escape(f.message)}" for f in access.errors),
    ]


def _first_words(name: str) -> str:
    """A feature's name without what it explains."""
    return name.partition(":")[0]


def _written(result: DemoResult) -> list[str]:
    """What became of what the application wrote."""
    writes, load = result.writes, result.traffic
    if load is None:
        return [
            f"{plural(writes.acknowledged, 'write')} acknowledged on V2, "
            f"{writes.missing:,} missing in V1 after the rollback; "
            f"{plural(writes.v1_rows_changed, 'row')} of V1 changed by them, "
            f"{writes.v1_rows_unexplained:,} by anything else"
        ]
    waits = " / ".join(f"{w.longest_wait_ms:,.0f}" for w in result.waits)
    lines = [
        f"a client's longest wait: {waits} ms",
        f"{plural(load.writers, 'client')}: {plural(load.acknowledged, 'write')} acknowledged "
        f"({load.transactions_per_second:,.0f} transactions/s), [bold]{load.missing:,} missing[/] "
        f"at the end, {writes.missing:,} after the rollback; {plural(load.errors, 'error')}",
    ]
    return lines + [escape(text) for text in load.examples]


def _steps(result: DemoResult) -> str:
    return ", ".join(f"{title} {seconds:,.1f}" for title, seconds in result.steps.items())


def _document(result: DemoResult) -> dict[str, Any]:
    proof = result.verdicts[0]
    document = {
        "ok": result.ok,
        "system": result.system,
        "rows": result.rows,
        "seconds": result.seconds,
        "steps": result.steps,
        "tables": {
            a.table: {
                "rows": a.rows,
                "moved": a.moved,
                "merged": a.merged,
                "split": a.split,
                "left": a.left,
                "quarantined": a.quarantined,
                "unaccounted": a.unaccounted,
                "into": a.into,
            }
            for a in result.accounts
        },
        "proof": {"rows_compared": proof.rows_compared, "differences": proof.differences},
        "proofs": [
            {"passed": v.passed, "rows_compared": v.rows_compared, "differences": v.differences}
            for v in result.verdicts
        ],
        "cutover": result.cutovers[0].model_dump(mode="json") | _wait(result, 0),
        "rollback": result.rollback.model_dump(mode="json") | _wait(result, 1),
        "second_cutover": result.cutovers[1].model_dump(mode="json") | _wait(result, 2),
        "writes": result.writes.model_dump(mode="json"),
        "traffic": result.traffic.model_dump(mode="json") if result.traffic else None,
        "report": result.report,
    }
    if isinstance(result, BothWays):
        document |= {
            "folder": result.folder.model_dump(mode="json"),
            "both_ways_equal": result.both_ways.equal,
            "both_ways": result.both_ways.model_dump(mode="json"),
            "story": [chapter.model_dump(mode="json") for chapter in result.story],
        }
    if isinstance(result, Secured):
        document |= {
            "listings": {
                one.name: {"count": one.count, "columns": one.columns, "rows": one.rows}
                for one in result.listings
            },
            "checks": result.checks.model_dump(mode="json"),
            "features": {
                c.name: c.outcome.value for c in result.checks.checks if c.kind == "feature"
            },
            "access_equal": result.access.passed,
            "access": result.access.model_dump(mode="json"),
        }
    return document


def _wait(result: DemoResult, number: int) -> dict[str, Any]:
    """How long a client waited across a switch; nothing where there was none."""
    return result.waits[number].model_dump(mode="json") if result.waits else {}
