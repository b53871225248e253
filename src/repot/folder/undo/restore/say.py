"""What is in the way of a restore, listed."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

from repot.folder.undo.losses import told
from repot.folder.undo.restore.mark import Marks
from repot.folder.undo.restore.place import Place
from repot.model.finding import Finding, Severity, error
from repot.model.undo import LossKind
from repot.postgres.compose import joined
from repot.postgres.connect import Connection

_CHOICE = (
    "--on-conflict keep leaves what is there; --on-conflict archive brings the archive's back and "
    "keeps in the archive what it replaces"
)
_ORPHAN = "bring those rows back first, or --on-conflict keep leaves these in the archive"
_GONE = "bring the rows back first, or --on-conflict keep leaves the values in the archive"
_HELD = "--force adds all archived rows to those that are there"


def in_the_way(
    conn: Connection,
    place: Place,
    marks: Marks,
    counts: Mapping[str, int],
    decided: str | None,
    limit: int | None,
) -> list[Finding]:
    """A finding for each reason; warnings where the user has decided."""
    shown = place.note.shown
    noun = "row" if place.note.kind is LossKind.ROWS else "value"

    def what(mark: str) -> str:
        count = counts.get(mark, 0)
        return f"{count:,} archived {noun}{'' if count == 1 else 's'}"

    reasons = (
        (
            "conflict",
            error(
                "restore-conflict",
                f"{shown}: something else stands in the place of {what('conflict')}",
                hint=_CHOICE,
            ),
        ),
        (
            "orphan",
            error(
                "restore-orphan",
                f"{shown}: {what('orphan')} refer to rows that are not there",
                hint=_ORPHAN,
            ),
        ),
        (
            "gone",
            error(
                "restore-gone",
                f"{shown}: the rows that {what('gone')} belong to are gone",
                hint=_GONE,
            ),
        ),
        (
            "held",
            error(
                "restore-held",
                f"{shown} has rows, and no key tells which of them are among {what('held')}",
                hint=_HELD,
            ),
        ),
    )
    found = []
    for mark, finding in reasons:
        if not counts.get(mark):
            continue
        update: dict[str, object] = {
            "object": shown,
            "examples": _examples(conn, place, marks, mark, limit),
        }
        if decided is not None:
            update["severity"] = Severity.WARNING
        found.append(finding.model_copy(update=update))
    return found


def _examples(
    conn: Connection, place: Place, marks: Marks, mark: str, limit: int | None
) -> tuple[str, ...]:
    names = place.note.key or place.note.columns
    if not names:
        return ()
    rows = conn.execute(
        sql.SQL(
            "select {} from {} a join {} m on m.n = a.{n} where m.mark = {} group by a.{n}, {}"
            " order by a.{n} limit {}"
        ).format(
            joined([sql.SQL("{}::text").format(sql.Identifier("a", x)) for x in names]),
            place.note.table,
            marks.table,
            sql.Literal(mark),
            joined([sql.SQL("{}::text").format(sql.Identifier("a", x)) for x in names]),
            sql.Literal(limit),
            n=sql.Identifier(place.note.n),
        )
    ).fetchall()
    return tuple(told(row, names, bool(place.note.key)) for row in rows)


def refused_by_server(why: psycopg.Error) -> Finding:
    """A constraint, or a type that does not take an archived value."""
    diagnosis = why.diag
    parts = (diagnosis.message_primary or str(why).strip(), diagnosis.message_detail)
    return error(
        "restore-refused",
        f"the server does not take the archived rows: {'; '.join(p for p in parts if p)}; nothing "
        "was changed",
        object=diagnosis.table_name,
        hint="what stands in the way is named above; change it, and restore again",
    )
