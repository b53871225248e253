"""What is right: questions about a world that know nothing of how Repot works it out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg import sql

from repot.engine.apply.names import Names
from repot.model.names import Name
from repot.model.plan import Derivation, Plan, Use

Conn = psycopg.Connection[Any]


class Checks:
    """Composed once for a world, with the names that its tables have now."""

    def __init__(self, conn: Conn, plan: Plan, run_id: int) -> None:
        self.plan = plan
        self._names = Names(conn, run_id)
        self._differences = _union(_differing(m, m.view, self._names[m.table]) for m in plan.moves)
        self._returned = _union(_differing(b, b.loop, b.view) for b in plan.backs)
        self._rows = _counted([r for m in plan.moves for r in (m.view, self._names[m.table])])
        self._returned_rows = _counted([r for b in plan.backs for r in (b.loop, b.view)])
        self._pending = _union(
            sql.SQL("select {}, count(*) from {}").format(
                sql.Literal(n), sql.Identifier("repot", n)
            )
            for n in state_tables(conn)
            if n.startswith(("log_", "todo_")) or n == "poison"
        )
        self._waits = sql.SQL("select 1 from ({}) as p (name, n) where n > 0 limit 1").format(
            self._pending
        )
        self._unexplained = self._compose_unexplained(conn)
        row = conn.execute("select count(*) from repot.run").fetchone()
        assert row == (1,)

    def differences(self, conn: Conn) -> dict[str, list[Any]]:
        """Rows that view and table do not share, by move: ('+' missing or '-' extra, row)."""
        return _grouped(conn.execute(self._differences))

    def not_returned(self, conn: Conn) -> dict[str, list[Any]]:
        """Rows of V1, as V2 remembers them, that are not what V2 says now: ('+' V1 should not have
        it, '-' V1 lacks it)."""
        return _grouped(conn.execute(self._returned))

    def compared(self, conn: Conn) -> int:
        """How many rows `differences` compares."""
        return int(conn.execute(self._rows).fetchall()[0][0])

    def compared_returned(self, conn: Conn) -> int:
        """How many rows `not_returned` compares."""
        return int(conn.execute(self._returned_rows).fetchall()[0][0])

    def pending(self, conn: Conn) -> dict[str, int]:
        """Rows in logs and in what is noted to be derived anew, where there are any."""
        return {str(name): int(n) for name, n in conn.execute(self._pending) if n}

    def waits(self, conn: Conn) -> bool:
        """Whether there are any."""
        return conn.execute(self._waits).fetchone() is not None

    def unexplained(self, conn: Conn) -> list[Any]:
        """Scopes of rows that differ though nothing is logged or noted that touches them; in a
        transaction of one snapshot."""
        return conn.execute(self._unexplained).fetchall()

    def _compose_unexplained(self, conn: Conn) -> sql.Composed:
        captured = {
            str(source): (sql.Identifier("repot", str(log)), list(columns))
            for source, log, columns in conn.execute(
                "select source, log, columns from repot.capture where direction = 'forward'"
            ).fetchall()
        }
        todo = dict(
            conn.execute(
                "select name, 'todo_' || id from repot.work where direction = 'forward'"
            ).fetchall()
        )
        parts = []
        for d in self.plan.moves:
            explained: list[sql.Composable] = []
            for use in d.uses:
                if str(use.source) in captured and use.link is not None:
                    explained += _logged(d, use, *captured[str(use.source)])
            if d.name in todo:
                explained.append(
                    sql.SQL("exists (select from {} g where g.everything or {})").format(
                        sql.Identifier("repot", todo[d.name]),
                        _same(_columns("g", _numbered("s", d.scope)), _columns("x", d.scope)),
                    )
                )
            parts.append(
                sql.SQL(
                    "select {name}, array[{texts}] from (select distinct {scope} from"
                    " ((select {c} from {v} except all select {c} from {t}) union all"
                    " (select {c} from {t} except all select {c} from {v})) r) x where not ({why})"
                ).format(
                    name=sql.Literal(d.name),
                    texts=_list(sql.SQL("x.{}::text").format(sql.Identifier(c)) for c in d.scope),
                    scope=_list(sql.Identifier(c) for c in d.scope),
                    why=sql.SQL(" or ").join(explained),
                    c=_list(sql.Identifier(c) for c in d.columns),
                    v=_name(d.view),
                    t=_name(self._names[d.table]),
                )
            )
        return _union(parts)


def state_tables(conn: Conn) -> list[str]:
    """Repot's own tables."""
    rows = conn.execute(
        "select relname::text from pg_class where relnamespace = 'repot'::regnamespace"
        " and relkind = 'r' order by 1"
    )
    return [str(r[0]) for r in rows]


def _logged(
    d: Derivation, use: Use, log: sql.Identifier, columns: Sequence[str]
) -> list[sql.Composable]:
    """Conditions: a logged change of the source touches the scope `x`."""
    assert use.link is not None
    found: list[sql.Composable] = [
        sql.SQL("exists (select from {} g where upper(g.op) = 'T')").format(log)
    ]
    scope = _columns("x", d.scope)
    fields = _columns("g", [f"c{columns.index(c) + 1}" for c in use.link.capture])
    if use.link.locate_view is None:
        found.append(
            sql.SQL("exists (select from {} g where {})").format(log, _same(fields, scope))
        )
    else:
        found.append(
            sql.SQL("exists (select from {} g join {} l on {} where {})").format(
                log,
                _name(use.link.locate_view),
                _same(_columns("l", _numbered("repot_link_", fields)), fields),
                _same(_columns("l", d.scope), scope),
            )
        )
    return found


def _differing(d: Derivation, wanted: Name | None, there: Name) -> sql.Composed:
    assert wanted is not None
    return sql.SQL(
        "(select {name}, '+', r::text from (select {c} from {v} except all"
        " select {c} from {t}) r union all select {name}, '-', r::text"
        " from (select {c} from {t} except all select {c} from {v}) r)"
    ).format(
        name=sql.Literal(d.name),
        c=_list(sql.Identifier(c) for c in d.columns),
        v=_name(wanted),
        t=_name(there),
    )


def _counted(relations: Sequence[Name | None]) -> sql.Composed:
    parts = (
        sql.SQL("select count(*) as n from {}").format(_name(r)) for r in relations if r is not None
    )
    return sql.SQL("select sum(n) from ({}) as c").format(_union(parts))


def _grouped(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name, sign, row in rows:
        found.setdefault(name, []).append((sign, row))
    return found


def _numbered(prefix: str, things: Sequence[Any]) -> list[str]:
    return [f"{prefix}{n}" for n in range(1, len(things) + 1)]


def _columns(alias: str, names: Sequence[str]) -> list[sql.Identifier]:
    return [sql.Identifier(alias, n) for n in names]


def _same(left: Sequence[sql.Composable], right: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL("({}) = ({})").format(_list(left), _list(right))


def _name(name: Name) -> sql.Identifier:
    return sql.Identifier(name.schema_, name.name)


def _list(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _union(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(" union all ").join(parts)
