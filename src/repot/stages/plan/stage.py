"""Compile the project, probe the data through its views, and roll it all back."""

from __future__ import annotations

import psycopg

from repot.engine.access import foreseen
from repot.engine.listing import read_listing
from repot.engine.registry import allocate, install_functions
from repot.engine.swap import preflight
from repot.model.finding import Finding, Severity, error, info
from repot.model.plan import Plan
from repot.model.progress import Progress
from repot.model.project import Project
from repot.moves.compile import compile_project
from repot.postgres.capabilities import missing
from repot.postgres.connect import Connection, connection
from repot.postgres.patience import IN_THE_WAY, Patience, give_way
from repot.stages.plan.probe import probe_move

_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def make_plan(dsn: str, project: Project, progress: Progress) -> Plan:
    """The plan of `project` on the database `dsn`, with all findings; changes nothing.

    Takes ACCESS SHARE locks on V1's tables while it reads (DDL on them waits), no others.
    Raises RepotError where the database cannot be reached or asked, Refused `lock-timeout`; what
    is wrong with the project itself is in the plan's findings.
    """
    with connection(dsn, application="repot plan") as conn:
        patience = Patience("the plan")
        while True:
            try:
                return _made(conn, project, progress)
            except IN_THE_WAY:
                patience.wait(conn)


def _made(conn: Connection, project: Project, progress: Progress) -> Plan:
    with conn.transaction(force_rollback=True):
        # One moment for the values that registries would give and for the rows that need them.
        conn.execute("set transaction isolation level repeatable read")
        give_way(conn)
        plan = compile_project(conn, project)
        findings = list(plan.findings)
        findings += _registries(conn, plan)
        probed = {m.name for m in plan.moves}
        progress.start("plan", "Probing the rows", len(probed), "tables")
        for move in plan.moves:
            findings += probe_move(conn, plan, move)
            progress.advance("plan", 1)
        progress.finish("plan")
        if plan.target.tables:
            findings += preflight(conn, plan, plan.cutover.swap)
        findings += _rights(conn, plan)
        findings += _listings(conn, project)
        findings += foreseen(conn, plan)
        findings.append(_estimate(plan))
    return plan.model_copy(update={"findings": _sorted(findings)})


def _rights(conn: Connection, plan: Plan) -> list[Finding]:
    """What copy and cutover need of the server and of this role, asked before the first change."""
    names = [t.name for t in plan.source.tables]
    source = [n for n in names if n.schema_ == plan.source_schema]
    outside = [n for n in plan.captured() if n in names and n.schema_ != plan.source_schema]
    workers = plan.copying.workers
    found = missing(conn, source, outside, "copy", connections=workers + 2)
    return found + missing(conn, source, outside, "cutover", swap=plan.cutover.swap)


def _listings(conn: Connection, project: Project) -> list[Finding]:
    """How many rows people should look at, before they decide."""
    found = []
    for file in project.listings.values():
        one = read_listing(conn, file, project.source.schema_, 0)
        if one.error:
            message = f"{one.name} cannot be run: {one.error}"
            found.append(error("listing-fails", message, file=file.path, line=1, object=one.name))
        elif one.count:
            found.append(
                info(
                    "listing",
                    f"{one.name}: {one.count:,} rows that people should see before they decide",
                    file=file.path,
                    object=one.name,
                    count=one.count,
                    hint=f"`repot listing {one.name}` shows them",
                )
            )
    return found


def _registries(conn: Connection, plan: Plan) -> list[Finding]:
    """Give values to all keys, so that the views show the rows as they will be."""
    findings = []
    install_functions(conn)
    for registry in plan.registries:
        try:
            with conn.transaction():
                allocate(conn, registry, path=(plan.source_schema,))
        except psycopg.OperationalError:
            raise
        except psycopg.Error as failed:
            findings.append(
                error(
                    "registry-not-filled",
                    f"registry {registry.name}: {failed.diag.message_primary or failed}",
                    file=registry.sql.path,
                    line=1,
                    object=registry.name,
                    hint="its key must be unique and not null in every row",
                )
            )
    return findings


def _estimate(plan: Plan) -> Finding:
    """What to expect; a guess from V1's size, said to be one."""
    rows = sum(max(t.estimate, 0) for t in plan.source.tables if not t.partitions)
    size = sum(t.bytes for t in plan.source.tables)
    seconds = rows / 100_000
    return info(
        "estimate",
        f"about {rows:,} rows and {size / 1e6:,.0f} MB in V1; expect up to "
        f"{1.5 * size / 1e6:,.0f} MB more disk and, at 100,000 rows a second, "
        f"{seconds:,.0f} s for the copy",
        hint="planner statistics, not a count: `repot audit` counts",
    )


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    """Errors first, then by place."""
    unique = dict.fromkeys(f.model_dump_json() for f in findings)
    again = [Finding.model_validate_json(text) for text in unique]
    return tuple(
        sorted(again, key=lambda f: (_RANK[f.severity], f.file or "", f.line or 0, f.code))
    )
