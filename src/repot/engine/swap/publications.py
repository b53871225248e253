"""Publications that name tables: the tables that come take the places of their namesakes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from psycopg import sql

from repot.engine.swap.definitions import Remake
from repot.engine.swap.sql import load
from repot.engine.swap.survey import Survey
from repot.engine.swap.things import TABLES
from repot.model.names import Name
from repot.postgres.compose import ident, idents, trusted
from repot.postgres.connect import Connection


@dataclass(frozen=True)
class Member:
    """A table in a publication."""

    publication: str
    owner: str
    oid: int
    table: Name
    columns: tuple[str, ...]  # empty: all
    condition: str | None  # row filter, as the server prints it
    condition_columns: tuple[str, ...]

    def missing_in(self, columns: Collection[str]) -> list[str]:
        """Columns that its list and filter need and that a table with `columns` has not."""
        return [c for c in (*self.columns, *self.condition_columns) if c not in columns]


def members(conn: Connection, oids: Collection[int]) -> list[Member]:
    """The publications' explicit members among these tables."""
    file = "publications.sql" if conn.info.server_version >= 150000 else "publications_14.sql"
    rows = conn.execute(load(file), {"oids": list(oids)}).fetchall()
    return [
        Member(
            publication=str(publication),
            owner=str(owner),
            oid=int(str(oid)),
            table=Name(schema_=str(schema), name=str(table)),
            columns=_texts(columns),
            condition=None if condition is None else str(condition),
            condition_columns=_texts(condition_columns),
        )
        for publication, owner, oid, schema, table, columns, condition, condition_columns in rows
    ]


def columns_of(conn: Connection, oids: Iterable[int]) -> dict[int, list[str]]:
    """Relation → its columns."""
    found: dict[int, list[str]] = {}
    for oid, column in conn.execute(load("columns.sql"), {"oids": list(oids)}).fetchall():
        found.setdefault(int(str(oid)), []).append(str(column))
    return found


@dataclass(frozen=True)
class HandingOver:
    """Statements for before the move, and for the way back what puts back what they take out: to
    be run when the tables bear their names of now again."""

    now: tuple[sql.Composed, ...]
    restore: tuple[Remake, ...]


def hand_over(conn: Connection, swap: Survey) -> HandingOver:
    """How to take the tables that go out of their publications and, at the cutover, put their
    namesakes in with the same columns and rows.

    A column list or row filter that the namesake has not the columns for is an error of the
    preflight.
    """
    going = {t.oid: t for t in swap.outgoing if t.kind in TABLES}
    taken = members(conn, going)
    own = {(m.publication, m.oid) for m in members(conn, [t.oid for t in swap.incoming])}
    now, restore = [], []
    for member in taken:
        now.append(_drop(member))
        what = f"publication {member.publication}: {member.table}"
        restore.append(Remake(what, (_adding(member, member.table).as_string(conn),)))
        namesake = swap.namesake(going[member.oid])
        if swap.direction.coming == "v1" or namesake is None:
            continue
        if (member.publication, namesake.oid) not in own:
            now.append(_adding(member, namesake.full_name))
    return HandingOver(tuple(now), tuple(restore))


def _drop(member: Member) -> sql.Composed:
    return sql.SQL("alter publication {} drop table only {}").format(
        sql.Identifier(member.publication), ident(member.table)
    )


def _adding(member: Member, table: Name) -> sql.Composed:
    return sql.SQL("alter publication {} add table only {}{}{}").format(
        sql.Identifier(member.publication),
        ident(table),
        sql.SQL(" ({})").format(idents(member.columns)) if member.columns else sql.SQL(""),
        sql.SQL(" where ({})").format(trusted(member.condition))
        if member.condition is not None
        else sql.SQL(""),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, list) else ()
