"""The audit, from the first question to the last."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from psycopg import Error, IsolationLevel

from repot.model.audit import Audit
from repot.model.catalog import Catalog, Table
from repot.model.errors import RepotError
from repot.model.finding import Finding, Severity
from repot.model.progress import Progress, Silent
from repot.postgres.capabilities import missing
from repot.postgres.catalog import read_catalog
from repot.postgres.connect import Connection, connection
from repot.stages.audit import inventory as inventories
from repot.stages.audit import security, structure
from repot.stages.audit.probes import probe
from repot.stages.audit.query import Row, Scope, rows

SAMPLE_ABOVE = 10_000_000  # rows of a table; a thorough audit counts up to here
SAMPLE_ABOVE_QUICK = 100_000
LOCK_TIMEOUT = "5s"
_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def audit(
    dsn: str,
    schemas: Sequence[str],
    progress: Progress = Silent(),  # noqa: B008 (it has no state)
    thorough: bool = True,
    *,
    outside: Sequence[str] = (),
    sample_above: int | None = None,
) -> Audit:
    """Read V1 (`schemas`) in one REPEATABLE READ, read-only transaction; rights to read are enough.

    outside: schemas that stay and that V1 points to, as parents of its rows. Tables with more than
    `sample_above` rows by size (thorough: ten million, else 100,000) are sampled by pages, and say
    so. Tables that cannot be read, or that are locked for five seconds, become findings. Recording
    the result as evidence is the caller's: it needs the right to write.

    Raises RepotError: `audit-no-tables` where the schemas hold none, `audit-failed` where the
    server breaks off.
    """
    began = time.monotonic()
    limit = sample_above or (SAMPLE_ABOVE if thorough else SAMPLE_ABOVE_QUICK)
    with connection(dsn, application="repot audit") as conn:
        conn.isolation_level, conn.read_only = IsolationLevel.REPEATABLE_READ, True
        try:
            with conn.transaction():
                conn.execute("select set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
                conn.execute("set local work_mem = '64MB'")
                conn.execute("set local jit = off")
                found = _read(conn, tuple(schemas), tuple(outside), progress, limit)
        except Error as failed:
            raise RepotError(
                "audit-failed",
                "the server broke off the audit",
                evidence=str(failed),
                hint="nothing was changed: run `repot audit` again",
            ) from failed
    return found.model_copy(
        update={"thorough": thorough, "ms": round((time.monotonic() - began) * 1000)}
    )


def _read(
    conn: Connection,
    schemas: tuple[str, ...],
    outside: tuple[str, ...],
    progress: Progress,
    limit: int,
) -> Audit:
    head = conn.execute(
        "select pg_catalog.pg_current_snapshot()::text, current_database(),"
        " current_setting('server_version_num')::integer"
    ).fetchone()
    assert head is not None
    at = datetime.now(UTC)
    progress.say("reading the catalogs")
    every = read_catalog(conn, [*schemas, *outside])
    catalog = Catalog(tables=tuple(t for t in every.tables if t.name.schema_ in schemas))
    tables = tuple(t for t in catalog.tables if t.parent is None)
    if not tables:
        raise RepotError(
            "audit-no-tables",
            f"there are no tables in {', '.join(schemas)}",
            hint="check the source schema in repot.toml, and that this is the right database",
        )
    lacking = missing(conn, [t.name for t in every.tables if t.parent is None], [], "audit")
    closed = {f.object for f in lacking if f.object}
    listed = inventories.read_inventory(conn, schemas, catalog)
    sizes = {row["oid"]: row for row in rows(conn, "sizes.sql", schemas)}
    details = rows(conn, "columns.sql", schemas)
    scope = Scope(
        conn=conn,
        schemas=schemas,
        catalog=catalog,
        parents=Catalog(
            tables=tuple(
                sorted(
                    (t for t in every.tables if str(t.name) not in closed and t.parent is None),
                    key=lambda t: t.name.schema_ not in schemas,
                )
            )
        ),
        server_version=int(str(head[2])),
        text_columns=frozenset((r["oid"], r["name"]) for r in details if r["text"]),
        samples=_samples(tables, sizes, limit),
    )
    findings = [_softened(f) for f in lacking]
    findings += [*inventories.findings(listed)]
    findings += security.findings(conn, schemas, catalog, listed)
    findings += structure.indexes(listed.indexes, tables)
    for table in tables:
        findings += structure.tables(table, sizes.get(table.oid, {}))
    distinct = {(r["oid"], r["name"]): r["distinct"] for r in details}
    probed = probe(scope, tables, closed, distinct, progress)
    findings += probed.findings
    findings += structure.sequences(conn, listed.of_kind("sequence"), probed.scans)
    return Audit(
        at=at,
        snapshot=str(head[0]),
        database=str(head[1]),
        server_version=scope.server_version,
        schemas=schemas,
        outside=outside,
        thorough=True,
        sample_above=limit,
        tables=tuple(probed.profiles),
        vocabularies=tuple(probed.vocabularies),
        inventory=listed.items,
        findings=tuple(
            sorted(findings, key=lambda f: (_ORDER[f.severity], f.code, f.object or ""))
        ),
        rows_read=sum(p.rows_read for p in probed.profiles),
        ms=0,
    )


def _samples(tables: Sequence[Table], sizes: Mapping[int, Row], limit: int) -> dict[int, float]:
    """The tables that are too large to read, and the per cent of their pages to read instead."""
    guesses = {t.oid: sizes[t.oid]["guess"] for t in tables if t.oid in sizes}
    return {oid: 100.0 * limit / guess for oid, guess in guesses.items() if guess > limit}


def _softened(finding: Finding) -> Finding:
    """The audit does without a table that it may not read: that is no error here."""
    if finding.object is None:
        return finding
    return finding.model_copy(update={"severity": Severity.WARNING})
