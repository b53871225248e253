"""`vacuum`: what no function can do, as it runs outside transactions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from repot.model.finding import Finding, info, warning
from repot.model.names import Name
from repot.model.upkeep import Outcome, Work
from repot.postgres.compose import ident
from repot.postgres.connect import Connection
from repot.upkeep.care.settings import Vacuum
from repot.upkeep.care.sql.vacuum import query
from repot.upkeep.session import session

_LEFTOVER = "_ccnew"  # what a REINDEX CONCURRENTLY that broke off leaves behind


def run_vacuum(work: Work) -> Outcome:
    """Vacuum every table that this role may, and rebuild indexes where the settings ask for it.

    A table that somebody has locked is left for the next time. Raises RepotError
    `connection-failed`.
    """
    wanted = Vacuum.model_validate(dict(work.settings))
    until = None if work.timeout is None else time.monotonic() + work.timeout
    findings: list[Finding] = []
    figures = {"vacuumed": 0, "busy": 0, "rebuilt": 0, "freed_bytes": 0}
    with session(work.dsn) as conn:
        tables = _rows(conn, "tables", wanted)
        refused = [r for r in tables if not r["allowed"]]
        if refused:
            names = [str(_name(r)) for r in refused]
            findings.append(
                info(
                    "vacuum-not-allowed",
                    f"{len(names)} tables belong to others and were not vacuumed",
                    hint="autovacuum looks after them",
                    count=len(names),
                    examples=tuple(names[:3]),
                )
            )
        allowed = [r for r in tables if r["allowed"]]
        work.progress.start("vacuum", "Vacuum", len(allowed), "tables")
        for table in _in_time(allowed, work, until, findings):
            _vacuum(conn, _name(table), wanted, figures, findings, until)
            work.progress.advance("vacuum", 1)
        work.progress.finish("vacuum", f"{figures['vacuumed']} tables")
        if wanted.reindex:
            indexes = _rows(conn, "indexes", wanted)
            for index in _in_time(indexes, work, until, findings):
                _reindex(conn, index, figures, findings, until)
    return Outcome(
        ok=True,
        summary=f"{figures['vacuumed']} tables vacuumed, {figures['rebuilt']} indexes rebuilt, "
        f"{figures['freed_bytes']} bytes freed",
        figures=figures,
        findings=tuple(findings),
    )


def _rows(conn: Connection, what: str, wanted: Vacuum) -> list[dict[str, object]]:
    words = {
        "schemas": list(wanted.schemas),
        "invalid": "invalid" in wanted.reindex,
        "bloated": "bloated" in wanted.reindex,
        "percent": wanted.percent,
        "min_bytes": wanted.min_bytes,
    }
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query(what), words).fetchall()


def _name(row: dict[str, object]) -> Name:
    return Name(schema_=str(row["schema"]), name=str(row["name"]))


def _in_time(
    rows: Iterable[dict[str, object]], work: Work, until: float | None, findings: list[Finding]
) -> Iterator[dict[str, object]]:
    """The rows, as long as there is time and nobody wants it to end."""
    for row in rows:
        if work.stopped() or (until is not None and time.monotonic() > until):
            findings.append(
                warning(
                    "vacuum-unfinished",
                    f"time was up before {_name(row)} and what comes after it",
                    hint="give the task a longer timeout",
                )
            )
            return
        yield row


def _limit(conn: Connection, until: float | None) -> None:
    left = 0 if until is None else max(1, round((until - time.monotonic()) * 1000))
    conn.execute(sql.SQL("set statement_timeout = {}").format(sql.Literal(left)))


def _vacuum(
    conn: Connection,
    table: Name,
    wanted: Vacuum,
    figures: dict[str, int],
    findings: list[Finding],
    until: float | None,
) -> None:
    words = [sql.SQL("skip_locked")]
    if wanted.analyze:
        words.append(sql.SQL("analyze"))
    skipped: list[str] = []
    conn.execute("set client_min_messages = warning")

    def heard(said: psycopg.errors.Diagnostic) -> None:
        if said.sqlstate == "55P03":
            skipped.append(str(said.message_primary))

    conn.add_notice_handler(heard)
    _limit(conn, until)
    try:
        conn.execute(
            sql.SQL("vacuum ({}) {}").format(sql.SQL(", ").join(words), ident(table)),
        )
    except psycopg.errors.UndefinedTable:
        return  # gone meanwhile
    except psycopg.errors.QueryCanceled:
        findings.append(
            warning(
                "vacuum-unfinished",
                f"time was up while {table} was vacuumed",
                hint="give the task a longer timeout",
                object=str(table),
            )
        )
        return
    finally:
        conn.remove_notice_handler(heard)
    if skipped:
        figures["busy"] += 1
        findings.append(
            info(
                "vacuum-busy",
                f"{table} was locked and not vacuumed",
                hint="the task takes it the next time",
                object=str(table),
            )
        )
    else:
        figures["vacuumed"] += 1


def _reindex(
    conn: Connection,
    index: dict[str, object],
    figures: dict[str, int],
    findings: list[Finding],
    until: float | None,
) -> None:
    name = _name(index)
    if name.name.endswith(_LEFTOVER):
        findings.append(
            warning(
                "index-leftover",
                f"{name} was left by a REINDEX CONCURRENTLY that broke off",
                hint=f"drop index concurrently {name};",
                object=str(name),
            )
        )
        return
    _limit(conn, until)
    try:
        conn.execute(sql.SQL("reindex index concurrently {}").format(ident(name)))
    except psycopg.errors.UndefinedTable:
        return
    except psycopg.Error as failed:
        findings.append(
            warning(
                "reindex-failed",
                f"{name} could not be rebuilt: {failed.diag.message_primary}",
                hint="the index serves on as it was, unless it was invalid; "
                f"look for {name.name}{_LEFTOVER}",
                object=str(name),
            )
        )
        return
    row = conn.execute(
        "select pg_relation_size(to_regclass(%s))", (sql_name(conn, name),)
    ).fetchone()
    figures["rebuilt"] += 1
    before, after = int(str(index["bytes"])), int(str(row[0] or 0)) if row else 0
    figures["freed_bytes"] += max(0, before - after)


def sql_name(conn: Connection, name: Name) -> str:
    """The name as SQL writes it."""
    return ident(name).as_string(conn)
