"""The probes of the data, table by table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import Error

from repot.model.audit import TableProfile, Vocabulary
from repot.model.catalog import Table
from repot.model.finding import Finding, info, warning
from repot.model.names import Name
from repot.model.progress import Progress
from repot.stages.audit import scan as scans
from repot.stages.audit import texts, vocabulary
from repot.stages.audit.query import Scope
from repot.stages.audit.references import references
from repot.stages.audit.scan import Scan


@dataclass
class Probed:
    """What the probes found, in the tables' order."""

    profiles: list[TableProfile] = field(default_factory=list)
    scans: dict[Name, Scan] = field(default_factory=dict)
    vocabularies: list[Vocabulary] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def probe(
    scope: Scope,
    tables: Sequence[Table],
    closed: Collection[str],
    distinct: Mapping[tuple[int, str], int | None],
    progress: Progress,
) -> Probed:
    """Read every table that is not among the `closed` (names as shown); one that fails is named."""
    done = Probed()
    progress.start("audit", "Audit", len(tables), "tables")
    for table in tables:
        if str(table.name) in closed:
            done.profiles.append(scans.unread(table))
        else:
            try:
                # A savepoint: one table's error is not the audit's, and its lock is free again.
                with scope.conn.transaction(force_rollback=True):
                    _one(scope, table, distinct, done)
            except Error as failed:
                if scope.conn.closed:
                    raise
                done.profiles.append(scans.unread(table))
                done.findings.append(_not_read(table, failed))
        progress.advance("audit", 1)
    progress.finish("audit", f"{sum(p.rows_read for p in done.profiles)} rows read")
    return done


def _one(
    scope: Scope, table: Table, distinct: Mapping[tuple[int, str], int | None], done: Probed
) -> None:
    scanned = scans.scan(scope, table, distinct)
    words = vocabulary.vocabularies(scope, table, scanned)
    findings = list(_findings(scope, table, scanned))
    for one in words:
        findings += vocabulary.findings(table, one)
    # only now: what failed half-way must leave nothing behind
    done.profiles.append(scanned.profile)
    done.scans[table.name] = scanned
    done.vocabularies += words
    done.findings += findings


def _findings(scope: Scope, table: Table, scanned: Scan) -> Iterator[Finding]:
    if scanned.profile.sampled:
        yield info(
            "table-sampled",
            f"{table.name} is large: {scanned.profile.rows_read} of about {table.estimate} rows "
            "were read, and its figures are of those",
            hint="an audit with a higher limit reads all of it",
            object=str(table.name),
            count=scanned.profile.rows_read,
        )
    yield from scans.findings(table, scanned)
    yield from texts.json_in_text(scope, table, scanned)
    yield from texts.collisions(scope, table, scanned)
    yield from references(scope, table)


def _not_read(table: Table, failed: Error) -> Finding:
    return warning(
        "table-not-read",
        f"{table.name} was not read: {str(failed).strip().splitlines()[0]}",
        hint="if it was locked, run the audit again at a quieter time",
        object=str(table.name),
    )
