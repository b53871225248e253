"""The scopes that wait in the present snapshot: their rows may differ, and are proven later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from tempfile import SpooledTemporaryFile
from threading import Event
from typing import IO

from psycopg import sql

from repot.engine import capture, todo
from repot.engine.apply import both_ways
from repot.engine.apply.locating import everything, same_scope, scopes
from repot.engine.apply.scope import Scope, add, empty
from repot.engine.apply.scope import waiting as todo_waiting
from repot.engine.apply.taking import OTHERS, Taken, copy_logs
from repot.engine.apply.temporary import Temporary
from repot.engine.compare import Where
from repot.engine.wal import Unread
from repot.model.names import Name
from repot.model.plan import Derivation, Plan
from repot.postgres.compose import ident, idents
from repot.postgres.connect import Connection
from repot.postgres.patience import without_trace

_IN_MEMORY = 8 << 20  # bytes


class Aside:
    """Pending scopes of the moves, in temporary tables of a REPEATABLE READ transaction.

    They are worked out at once, and V1's tables are not locked for it any longer than that.
    Raises Refused `lock-timeout`.
    """

    def __init__(
        self,
        conn: Connection,
        run_id: int,
        plan: Plan,
        stopped: Event | None = None,
        unread: Unread | None = None,
    ) -> None:
        """unread: what the snapshot sees of changes that no log tells (wal.unread)."""
        self._conn, self._plan = conn, plan
        self._temp = Temporary(conn)
        captured = capture.read(conn, run_id, todo.FORWARD)
        self._todos = todo.read(conn, run_id, todo.FORWARD)
        self._changes: Mapping[Name, Taken] = copy_logs(
            conn, self._temp, captured, whose="true", unread=unread
        )
        # Both ways at once: rows that V2's writers have just written are on their way, too.
        written = capture.read(conn, run_id, todo.BACK) if both_ways(conn, run_id) else ()
        self._written = copy_logs(conn, self._temp, written, whose=OTHERS)
        self._own = own_rows(conn, run_id)
        self._run = run_id
        self._waiting = todo_waiting(conn, list(self._todos.values()))
        kept = without_trace(
            conn, lambda: self._worked_out(plan.moves), "working out what waits", stopped
        )
        self._temp = self._temp.again()  # what was made since went with the savepoint
        self._found = {name: self._put_back(scope, rows) for name, (scope, rows) in kept.items()}

    @property
    def quiet(self) -> bool:
        """Nothing waits at all."""
        return not self._changes and not self._waiting and not self._written

    @property
    def changes(self) -> dict[str, int]:
        """Logged changes by source table."""
        return {t.captured.source: t.rows for t in self._changes.values()}

    def changed(self, source: Name) -> Taken | None:
        """The logged changes of a source table, in a temporary table; None if there is none."""
        return self._changes.get(source)

    def without_value(self, d: Derivation) -> bool:
        """Whether rows of the view may lack a key: a registry was not asked for it yet."""
        sources = {u.source for r in self._plan.registries for u in r.uses}
        return any(source in self._changes for source in sources)

    def of(self, d: Derivation) -> Scope | None:
        """The move's pending scopes; None if there is none."""
        return self._found.get(d.name)

    def _worked_out(self, moves: Sequence[Derivation]) -> dict[str, tuple[Scope, IO[bytes]]]:
        """The scopes, and their rows outside of the transaction."""
        self._temp = self._temp.again()
        found = {}
        for d in moves:
            scope = self._of(d)
            if scope is not None:
                found[d.name] = (scope, self._rows(scope))
        return found

    def _rows(self, scope: Scope) -> IO[bytes]:
        rows: IO[bytes] = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by _put_back
        query = sql.SQL("copy {} ({}) to stdout").format(
            ident(scope.table), idents(scope.todo.fields)
        )
        with self._conn.cursor() as cursor, cursor.copy(query) as out:
            for block in out:
                rows.write(block)
        rows.seek(0)
        return rows

    def _put_back(self, scope: Scope, rows: IO[bytes]) -> Scope:
        again = empty(self._temp, scope.derivation, scope.todo)
        query = sql.SQL("copy {} ({}) from stdin").format(
            ident(again.table), idents(scope.todo.fields)
        )
        with rows, self._conn.cursor() as cursor, cursor.copy(query) as into:
            while block := rows.read(1 << 16):
                into.write(block)
        self._temp.filled(again.table, scope.count)
        return replace(again, count=scope.count, all=scope.all)

    def _of(self, d: Derivation) -> Scope | None:
        mine = self._todos.get(d.name)
        if mine is None:
            return None
        found = scopes(self._conn, d.uses, d.scope, self._changes)
        whole = everything(d.uses, self._changes)
        written = self._written.get(d.table)
        if not found and not whole and mine.id not in self._waiting and written is None:
            return None
        scope = empty(self._temp, d, mine)
        if written is not None:
            whole = whole or written.truncated
            position = dict(zip(written.captured.columns, written.captured.fields, strict=True))
            query = sql.SQL("select {} from {} where op <> 'T'").format(
                idents(position[c] for c in d.scope), ident(written.table)
            )
            scope = add(self._conn, self._temp, scope, query)
        for _, query in found:
            scope = add(self._conn, self._temp, scope, query)
        if mine.id in self._waiting:
            scope = add(
                self._conn,
                self._temp,
                scope,
                sql.SQL("select {} from {} where not everything").format(
                    idents(mine.fields), ident(mine.table)
                ),
            )
            row = self._conn.execute(
                sql.SQL("select exists (select from {} where everything)").format(ident(mine.table))
            ).fetchone()
            whole = whole or bool(row and row[0])
        return Scope(d, mine, scope.table, scope.count, whole)

    def outside(self, d: Derivation, where: Where) -> Where:
        """`where`, without the rows that are set aside; the same on both sides."""
        scope = self.of(d)
        where = without_own(self._run, d, where, self._own)
        if scope is None and not self.without_value(d):
            return where

        def outside(alias: str) -> sql.Composable:
            parts = [where(alias)]
            if scope is not None and scope.all:
                parts.append(sql.SQL("false"))
            elif scope is not None:
                parts.append(
                    sql.SQL("not exists (select from {} as repot_aside where {})").format(
                        ident(scope.table), same_scope(d, scope.todo, alias, "repot_aside")
                    )
                )
            if self.without_value(d):
                parts += [sql.SQL("{} is not null").format(sql.Identifier(alias, c)) for c in d.key]
            return sql.SQL(" and ").join(sql.SQL("({})").format(p) for p in parts)

        return outside


def own_rows(conn: Connection, run_id: int) -> frozenset[str]:
    """Moves with rows that were written on V2 and have no place in V1 (repot.uncarried)."""
    rows = conn.execute(
        "select distinct name from repot.uncarried where run = %s", (run_id,)
    ).fetchall()
    return frozenset(str(row[0]) for row in rows)


def without_own(run_id: int, d: Derivation, where: Where, own: frozenset[str]) -> Where:
    """`where`, without the rows that V2's writers made and V1 has no place for."""
    if d.name not in own:
        return where

    def without(alias: str) -> sql.Composable:
        return sql.SQL(
            "({where}) and (select pg_catalog.to_jsonb(x) from (select {key}) as x) not in"
            " (select u.key from repot.uncarried as u where u.run = {run} and u.name = {name})"
        ).format(
            where=where(alias),
            key=idents(d.key, alias),
            run=sql.Literal(run_id),
            name=sql.Literal(d.name),
        )

    return without
