"""Objects outside of the swap as text: how each is dropped, and made again under the same names.

The texts are the server's own, printed before the swap with names in full; run after it, the same
names lead to the other side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from repot.engine.swap.rights import owner_and_rights
from repot.engine.swap.sql import load
from repot.engine.swap.things import Key
from repot.model.names import Name
from repot.postgres.compose import ident, joined, trusted
from repot.postgres.connect import Connection

_COMMANDS = {"r": "select", "a": "insert", "w": "update", "d": "delete", "*": "all"}
_MODES = {"D": "disable", "R": "enable replica", "A": "enable always"}


@dataclass(frozen=True)
class Definition:
    """One object as it was when it was read; `detail` is as definitions.sql gives it."""

    key: Key
    kind: str
    schema: str
    relation: str | None
    name: str | None
    detail: dict[str, Any]

    @property
    def what(self) -> str:
        """The object for people; two objects never have the same."""
        if self.kind == "routine":
            return f"{self.detail['type']} {self.detail['identity']}"
        table = str(self.on)
        return (
            f"{self.kind} {table}" if self.name is None else f"{self.kind} {self.name} on {table}"
        )

    @property
    def on(self) -> Name:
        """The view, or the table that the object belongs to."""
        assert self.relation is not None
        return Name(schema_=self.schema, name=self.relation)


@dataclass(frozen=True)
class Remake:
    """Statements that make an object anew, whether it is there or not, and those for after the
    commit, which take their time (validating, refreshing)."""

    what: str
    statements: tuple[str, ...]
    afterwards: tuple[str, ...] = ()

    @property
    def ddl(self) -> str:
        return ";\n".join(self.statements)


def read_definitions(
    conn: Connection, keys: Collection[Key] | None, leave_out: Sequence[str] = ()
) -> dict[Key, Definition]:
    """The definitions of these objects; None: of all outside the schemas `leave_out`."""
    pairs = None if keys is None else list(keys)
    rows = conn.execute(
        load("definitions.sql"),
        {
            "classes": None if pairs is None else [c for c, _ in pairs],
            "oids": None if pairs is None else [o for _, o in pairs],
            "except": list(leave_out),
        },
        prepare=True,
    ).fetchall()
    found = {}
    for class_id, oid, kind, schema, relation, name, detail in rows:
        assert isinstance(detail, dict)
        key = (int(str(class_id)), int(str(oid)))
        found[key] = Definition(
            key=key,
            kind=str(kind),
            schema=str(schema),
            relation=None if relation is None else str(relation),
            name=None if name is None else str(name),
            detail=detail,
        )
    return found


def drop(conn: Connection, d: Definition) -> str:
    """The statement that drops the object if it is there, and nothing else with it."""
    if d.kind == "routine":
        head = trusted(d.detail["type"])
        text: sql.Composable = sql.SQL("drop {} if exists {}").format(
            head, trusted(d.detail["identity"])
        )
    elif d.kind in ("view", "matview"):
        head = sql.SQL("materialized view" if d.kind == "matview" else "view")
        text = sql.SQL("drop {} if exists {}").format(head, ident(d.on))
    elif d.kind == "foreign key":
        text = sql.SQL("alter table {} drop constraint if exists {}").format(ident(d.on), _name(d))
    elif d.kind == "default":
        text = sql.SQL("alter table {} alter column {} drop default").format(ident(d.on), _name(d))
    else:  # trigger, rule, policy
        text = sql.SQL("drop {} if exists {} on {}").format(trusted(d.kind), _name(d), ident(d.on))
    return text.as_string(conn)


def remake(conn: Connection, d: Definition) -> Remake:
    """Statements that make the object as `d` has it; each may run again."""
    made = {
        "view": _view,
        "matview": _matview,
        "trigger": _trigger,
        "rule": _rule,
        "policy": _policy,
        "foreign key": _foreign_key,
        "default": _default,
        "routine": _routine,
    }[d.kind](conn, d)
    statements = [part.as_string(conn).rstrip().rstrip(";") for part in made]
    afterwards: list[sql.Composable] = []
    if d.kind == "matview" and d.detail["populated"]:
        afterwards.append(sql.SQL("refresh materialized view {}").format(ident(d.on)))
    if d.kind == "foreign key" and d.detail["validated"] and not d.detail["partitioned"]:
        afterwards.append(
            sql.SQL("alter table {} validate constraint {}").format(ident(d.on), _name(d))
        )
    return Remake(d.what, tuple(statements), tuple(part.as_string(conn) for part in afterwards))


def _name(d: Definition) -> sql.Identifier:
    assert d.name is not None
    return sql.Identifier(d.name)


def _view(conn: Connection, d: Definition) -> Iterable[sql.Composable]:
    yield sql.SQL("create or replace view {}{} as {}").format(
        ident(d.on), _options(d), trusted(d.detail["definition"])
    )
    yield from owner_and_rights(conn, "table", ident(d.on), d.detail)
    yield from _columns(d)


def _matview(conn: Connection, d: Definition) -> Iterable[sql.Composable]:
    space = d.detail["tablespace"]
    method = d.detail["method"]
    yield sql.SQL("drop materialized view if exists {}").format(ident(d.on))
    yield sql.SQL("create materialized view {}{}{}{} as {} with no data").format(
        ident(d.on),
        sql.SQL(" using {}").format(sql.Identifier(method)) if method else sql.SQL(""),
        _options(d),
        sql.SQL(" tablespace {}").format(sql.Identifier(space)) if space else sql.SQL(""),
        trusted(str(d.detail["definition"]).rstrip().rstrip(";")),
    )
    for index in d.detail["indexes"] or ():
        yield trusted(index)
    yield from owner_and_rights(conn, "table", ident(d.on), d.detail)
    yield from _columns(d)


def _options(d: Definition) -> sql.Composable:
    options = d.detail["options"] or []
    if not options:
        return sql.SQL("")
    return sql.SQL(" with ({})").format(
        joined(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
            for name, value in options
        )
    )


def _columns(d: Definition) -> Iterable[sql.Composable]:
    """Comments, defaults and rights of single columns."""
    comment, default, acl = 1, 2, 3
    for column in d.detail["columns"] or ():
        name = sql.Identifier(column[0])
        if column[comment] is not None:
            yield sql.SQL("comment on column {}.{} is {}").format(
                ident(d.on), name, sql.Literal(column[comment])
            )
        if column[default] is not None:
            yield sql.SQL("alter table {} alter column {} set default {}").format(
                ident(d.on), name, trusted(column[default])
            )
        for grantee, right, grantable in column[acl] or ():
            yield sql.SQL("grant {} ({}) on {} to {}{}").format(
                trusted(right),
                name,
                ident(d.on),
                sql.SQL("public") if grantee is None else sql.Identifier(grantee),
                sql.SQL(" with grant option" if grantable else ""),
            )


def _trigger(conn: Connection, d: Definition) -> Iterable[sql.Composable]:
    """Replaced rather than dropped: that needs the TRIGGER right only, not the table's owner."""
    text = str(d.detail["definition"])
    if d.detail["constraint"]:  # cannot be replaced
        yield trusted(drop(conn, d))
        yield trusted(text)
    else:
        yield trusted("CREATE OR REPLACE " + text.removeprefix("CREATE "))
    mode = _MODES.get(d.detail["enabled"])
    if mode:
        yield sql.SQL("alter table {} {} trigger {}").format(ident(d.on), trusted(mode), _name(d))
    yield from _comment(d, "trigger")


def _rule(conn: Connection, d: Definition) -> Iterable[sql.Composable]:
    yield trusted("CREATE OR REPLACE " + str(d.detail["definition"]).removeprefix("CREATE "))
    mode = _MODES.get(d.detail["enabled"])
    if mode:
        yield sql.SQL("alter table {} {} rule {}").format(ident(d.on), trusted(mode), _name(d))
    yield from _comment(d, "rule")


def _policy(conn: Connection, d: Definition) -> Iterable[sql.Composable]:
    yield trusted(drop(conn, d))
    roles = [sql.SQL("public") if r is None else sql.Identifier(r) for r in d.detail["roles"]]
    using, check = d.detail["using"], d.detail["check"]
    yield sql.SQL("create policy {} on {} as {} for {} to {}{}{}").format(
        _name(d),
        ident(d.on),
        sql.SQL("permissive" if d.detail["permissive"] else "restrictive"),
        trusted(_COMMANDS[d.detail["command"]]),
        joined(roles),
        sql.SQL(" using ({})").format(trusted(using)) if using is not None else sql.SQL(""),
        sql.SQL(" with check ({})").format(trusted(check)) if check is not None else sql.SQL(""),
    )
    yield from _comment(d, "policy")


def _foreign_key(conn: Connection, d: Definition) -> Iterable[sql.Composable]:
    """NOT VALID: new rows are checked at once, the old ones after the commit, without the lock."""
    late = d.detail["validated"] and not d.detail["partitioned"]
    yield trusted(drop(conn, d))
    yield sql.SQL("alter table {} add constraint {} {}{}").format(
        ident(d.on),
        _name(d),
        trusted(d.detail["definition"]),
        sql.SQL(" not valid" if late else ""),
    )
    yield from _comment(d, "constraint")


def _default(conn: Connection, d: Definition) -> Iterable[sql.Composable]:
    yield sql.SQL("alter table {} alter column {} set default {}").format(
        ident(d.on), _name(d), trusted(d.detail["definition"])
    )


def _routine(conn: Connection, d: Definition) -> Iterable[sql.Composable]:
    yield trusted(d.detail["definition"])
    yield from owner_and_rights(
        conn, str(d.detail["type"]), trusted(d.detail["identity"]), d.detail
    )


def _comment(d: Definition, kind: str) -> Iterable[sql.Composable]:
    if d.detail["comment"] is not None:
        yield sql.SQL("comment on {} {} on {} is {}").format(
            trusted(kind), _name(d), ident(d.on), sql.Literal(d.detail["comment"])
        )
