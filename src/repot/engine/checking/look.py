"""What the checks share while they look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from repot.engine.checking.place import Place
from repot.engine.checking.sql import load
from repot.model.checks import ROLES, Checked, Checking, Outcome, Relation
from repot.model.names import Name, name
from repot.postgres.connect import Connection

Row = dict[str, Any]


@dataclass(frozen=True)
class Look:
    """One run of checks on one connection."""

    conn: Connection
    checking: Checking
    place: Place

    def rows(self, file: str, params: Mapping[str, object]) -> list[Row]:
        """The rows of a fixed query."""
        with self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(load(file).encode(), params).fetchall()

    def name(self, relation: Relation) -> Name:
        """A declared name in full."""
        return name(relation.schema_ or self.place.schema, relation.name)

    def outside(self, relation: Relation) -> bool:
        """Whether the name is one of a schema that stays as it is until the cutover."""
        return relation.schema_ not in (None, self.place.schema)

    def roles(self) -> tuple[str, ...]:
        """Those that are asked what they may."""
        if self.checking.roles is not None:
            return self.checking.roles
        named = {role for f in self.checking.functions for role in f.execute or ()}
        known = self.rows("known_roles.sql", {"roles": list(ROLES)})
        return tuple(sorted(named | {str(row["rolname"]) for row in known}))


def outcome(kind: str, what: str, reasons: list[str], **more: Any) -> Checked:
    """Failed where there is a reason."""
    result = Outcome.FAILED if reasons else Outcome.PASSED
    return Checked(kind=kind, name=what, outcome=result, reasons=tuple(reasons), **more)


def said(failed: psycopg.Error) -> str:
    """The server's words, without its detail (which quotes rows), and the SQLSTATE."""
    words = failed.diag.message_primary or str(failed).strip()
    return f"{words} ({failed.sqlstate})" if failed.sqlstate else words
