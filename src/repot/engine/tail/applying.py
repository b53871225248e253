"""A batch of the way there as lines of the function: take, locate, derive anew, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from repot.engine.apply.acting import changed_by_keys
from repot.engine.apply.deleting import deleting, deleting_unnoticed, in_itself, referring
from repot.engine.apply.derive import Place, given, gone, lay_out
from repot.engine.apply.locating import (
    Asked,
    link_fields,
    located,
    note,
    touched,
    touched_scopes,
)
from repot.engine.apply.new_keys import asked_keys, keys_table, lacking
from repot.engine.apply.park import any_in_the_way
from repot.engine.apply.scope import Scope, empty, picking
from repot.engine.apply.taking import ALL, OTHERS, Taken, taken_table, taking
from repot.engine.apply.temporary import Temporary
from repot.engine.apply.work import Work
from repot.engine.apply.write import refers_to_itself, written
from repot.engine.capture import Captured
from repot.engine.registry import allocating, alone
from repot.engine.tail.words import (
    CHANGES,
    EPOCH,
    REHEARSAL,
    SCOPES,
    SEEN,
    Block,
    add,
    any_row,
    more_than_none,
)
from repot.engine.todo import Todo
from repot.model.names import Name
from repot.model.plan import Derivation, Plan, Registry, Use
from repot.moves.install import setting_search_path
from repot.postgres.compose import ident, idents, trusted
from repot.postgres.connect import Connection

# Nothing is taken in the rehearsal: who applies the changes meanwhile would wait for it.
LIMIT = sql.SQL("case when {} then 0 else {} end").format(REHEARSAL, sql.Literal(ALL))


@dataclass(frozen=True)
class _Log:
    """A log, the table that its changes go to, and the variables that tell of them."""

    change: Taken
    rows: sql.Composable
    oldest: sql.Composable


@dataclass(frozen=True)
class _Share:
    """One derivation's share: its scopes and its work, and the variables with their numbers."""

    scope: Scope
    work: Work
    scopes: sql.Composable
    wants: sql.Composable
    dooms: sql.Composable


class Applying:
    """Composes the lines; the tables in which they work are made at once, where they are not."""

    def __init__(self, conn: Connection, temp: Temporary, run_id: int, plan: Plan) -> None:
        self._conn, self._temp, self._run_id, self._plan = conn, temp, run_id, plan

    def lines(
        self,
        block: Block,
        place: Place,
        captured: Sequence[Captured],
        moves: Sequence[Derivation],
        todos: Mapping[str, Todo],
    ) -> None:
        """captured, todos: of the way there. moves: parents first."""
        logs = {one.name: self._log(block, one) for one in captured}
        for log in logs.values():
            self._take(block, log)
        for number, registry in enumerate(self._plan.registries):
            self._allocate(block, number, registry, logs)
        for move in moves:
            for use in move.uses:
                if use.source in logs:
                    self._note(block, use, move, todos[move.name], logs[use.source])
        shares = [self._share(block, place, move, todos[move.name]) for move in moves]
        for share in shares:
            self._work_out(block, share)
        self._give_up(block, shares, todos)
        self._write(block, shares)
        for share in shares:
            inner = Block()
            fields = idents(share.scope.todo.fields)
            query = sql.SQL("select {} from {}").format(fields, ident(share.scope.table))
            inner.do(touched(share.scope.todo, query, EPOCH))
            block.when(more_than_none([share.scopes]), inner)
        waiting = [sql.SQL("select from {}").format(ident(t.table)) for t in todos.values()]
        waiting += [
            sql.SQL("select from {} where {}").format(ident(c.log), trusted(OTHERS))
            for c in captured
        ]
        block.give_up(any_row(*waiting), "changes still wait")

    def _log(self, block: Block, captured: Captured) -> _Log:
        return _Log(
            Taken(captured, taken_table(self._temp, captured), 0, truncated=False),
            block.variable(f"repot_taken_{captured.id}", "bigint := 0"),
            block.variable(f"repot_since_{captured.id}", "timestamptz"),
        )

    def _take(self, block: Block, log: _Log) -> None:
        emptied = block.variable(f"repot_emptied_{log.change.captured.id}", "boolean")
        block.do(
            taking(log.change.captured, log.change.table, OTHERS, LIMIT)
            + sql.SQL(" into {}, {}, {}").format(log.rows, emptied, log.oldest),
            add(CHANGES, log.rows),
        )
        block.give_up(emptied, "a table was truncated")

    def _allocate(
        self, block: Block, number: int, registry: Registry, logs: Mapping[Name, _Log]
    ) -> None:
        keys = keys_table(self._temp, self._run_id, number, registry)
        uses = [use for use in registry.uses if use.source in logs]
        if not uses:
            return
        found = Block()
        for use in uses:
            log = logs[use.source]
            query = touched_scopes(use, log.change, registry.told, _asked(use, log))
            if query is not None:
                one = Block()
                one.do(sql.SQL("insert into {} {}").format(ident(keys), query))
                found.when(more_than_none([log.rows]), one)
        given_values = Block()
        only_one = sql.SQL("if not {} then perform {}; end if").format(REHEARSAL, alone(registry))
        asked = asked_keys(registry, keys)
        longest = block.variable(f"repot_longest_{number}", "bigint")
        given_values.do(
            only_one,
            setting_search_path(self._conn, self._plan.source_schema),
            allocating(self._conn, registry, asked)
            + sql.SQL("\ninto {}, {}").format(SEEN, longest),
            sql.SQL("set local search_path = ''"),
        )
        given_values.give_up(
            sql.SQL("{} > {}").format(longest, sql.Literal(registry.setting.max_length)),
            "a slug became too long",
        )
        found.when(lacking(registry, keys), given_values)
        block.when(more_than_none([logs[use.source].rows for use in uses]), found)

    def _note(self, block: Block, use: Use, move: Derivation, todo: Todo, log: _Log) -> None:
        query = touched_scopes(use, log.change, move.scope, _asked(use, log), gone=True)
        if query is not None:
            inner = Block()
            inner.do(note(todo, log.oldest, query))
            block.when(more_than_none([log.rows]), inner)

    def _share(self, block: Block, place: Place, move: Derivation, todo: Todo) -> _Share:
        scope = empty(self._temp, move, todo)
        return _Share(
            scope,
            lay_out(self._temp, place, scope),
            block.variable(f"repot_scopes_{todo.id}", "bigint := 0"),
            block.variable(f"repot_wants_{todo.id}", "bigint := 0"),
            block.variable(f"repot_dooms_{todo.id}", "bigint := 0"),
        )

    def _work_out(self, block: Block, share: _Share) -> None:
        scope, work = share.scope, share.work
        whole = block.variable(f"repot_whole_{scope.todo.id}", "boolean")
        block.do(
            picking(scope, LIMIT) + sql.SQL(" into {}, {}").format(share.scopes, whole),
            add(SCOPES, share.scopes),
        )
        block.give_up(whole, "a whole table is to be derived anew")
        inner, keys = Block(), Asked(scope.table, scope.todo.fields)
        insert = sql.SQL("insert into {} {}")
        inner.count(insert.format(ident(work.wanted), given(keys, scope, work)), share.wants)
        inner.count(insert.format(ident(work.doomed), gone(keys, work)), share.dooms)
        block.when(more_than_none([share.scopes]), inner)

    def _give_up(self, block: Block, shares: Sequence[_Share], todos: Mapping[str, Todo]) -> None:
        """Before anything is written: where a row must make way, or a key will change others."""
        for share in shares:
            in_the_way = any_in_the_way(share.work)
            if in_the_way is not None:
                inner = Block()
                inner.give_up(in_the_way, "a unique value changes hands")
                several = sql.SQL("{} > 1 or {} > 0").format(share.wants, share.dooms)
                block.when(several, inner)
            changed = [query for _, query in changed_by_keys(share.work, todos)]
            if changed:
                inner = Block()
                inner.give_up(any_row(*changed), "a foreign key changes other rows")
                block.when(more_than_none([share.wants]), inner)

    def _write(self, block: Block, shares: Sequence[_Share]) -> None:
        """As derive.write does."""
        works = [share.work for share in shares]
        block.do(sql.SQL("set constraints all deferred"))
        for share in reversed(shares):
            inner, once = Block(), Block()
            once.count(deleting(share.work, referring(share.work, works)))
            if in_itself(share.work):
                inner.repeat(once)
            else:
                inner = once
            block.when(more_than_none([share.dooms]), inner)
        for share in shares:
            inner = Block()
            into = sql.SQL(" into {}").format(SEEN)  # then it is one statement, and counts
            itself = refers_to_itself(share.work)
            inner.do(*(s + into if itself else s for s in written(share.work)))
            block.when(more_than_none([share.wants]), inner)
        for share in reversed(shares):
            block.when(more_than_none([share.dooms]), self._delete_rest(share, works))
        block.do(sql.SQL("set constraints all immediate"))

    def _delete_rest(self, share: _Share, works: Sequence[Work]) -> Block:
        block, work = Block(), share.work
        if not any(child.acts for child in work.children):
            block.do(deleting(work))
            return block
        there = block.variable(f"repot_there_{share.scope.todo.id}", "bigint")
        block.do(deleting_unnoticed(work, works) + sql.SQL(" into {}, {}").format(SEEN, there))
        block.give_up(sql.SQL("{} <> {}").format(SEEN, there), "rows that stay refer to others")
        return block


def _asked(use: Use, log: _Log) -> Asked | None:
    return Asked(log.change.table, link_fields(use, log.change)) if located(use) else None
