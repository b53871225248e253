"""A batch of the way there in parts: take, allocate, locate, derive anew, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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
from repot.engine.apply.unit import units
from repot.engine.apply.work import Work
from repot.engine.apply.write import written
from repot.engine.capture import Captured
from repot.engine.registry import allocating, alone
from repot.engine.tail.parts import Parts
from repot.engine.tail.words import (
    FLAG,
    REHEARSAL,
    SEEN,
    SINCE,
    THERE,
    Block,
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
    """A log, the table that its changes go to, and what is known of them."""

    change: Taken
    rows: sql.Composable
    oldest: sql.Composable


@dataclass(frozen=True)
class _Share:
    """One derivation's share: its scopes and its work, and how many there are of each."""

    scope: Scope
    work: Work
    scopes: sql.Composable
    wants: sql.Composable
    dooms: sql.Composable


class Applying:
    """Makes the parts; the tables in which they work are made at once, where they are not."""

    def __init__(
        self, conn: Connection, temp: Temporary, run_id: int, plan: Plan, parts: Parts
    ) -> None:
        self._conn, self._temp, self._run_id, self._plan = conn, temp, run_id, plan
        self._parts, self._state = parts, parts.state

    def make(
        self,
        place: Place,
        captured: Sequence[Captured],
        moves: Sequence[Derivation],
        todos: Mapping[str, Todo],
    ) -> None:
        """captured, todos: of the way there. moves: parents first."""
        logs = {one.name: self._log(one) for one in captured}
        block = Block()
        for log in logs.values():
            self._take(block, log)
        self._parts.add(block)
        for number, registry in enumerate(self._plan.registries):
            self._allocate(number, registry, logs)
        for move in moves:
            self._note(move, todos[move.name], logs)
        shares = [self._share(place, move, todos[move.name]) for move in moves]
        block = Block()
        for share in shares:
            self._pick(block, share)
        self._parts.add(block)
        for share in shares:
            self._work_out(share)
        self._write(shares, todos)

    def _log(self, captured: Captured) -> _Log:
        taken = Taken(captured, taken_table(self._temp, captured), 0, truncated=False)
        return _Log(taken, self._state.number(), self._state.moment())

    def _take(self, block: Block, log: _Log) -> None:
        block.do(
            taking(log.change.captured, log.change.table, OTHERS, LIMIT)
            + sql.SQL(" into {}, {}, {}").format(SEEN, FLAG, SINCE)
        )
        block.give_up(FLAG, "a table was truncated")
        taken = Block()
        taken.keep(log.rows, SEEN)
        taken.keep(log.oldest, SINCE)
        taken.add(self._state.changes, SEEN)
        block.when(more_than_none(SEEN), taken)

    def _allocate(self, number: int, registry: Registry, logs: Mapping[Name, _Log]) -> None:
        keys = keys_table(self._temp, self._run_id, number, registry)
        uses = [use for use in registry.uses if use.source in logs]
        if not uses:
            return
        block = Block()
        for use in uses:
            log = logs[use.source]
            query = touched_scopes(use, log.change, registry.told, _asked(use, log))
            if query is not None:
                one = Block()
                one.do(sql.SQL("insert into {} {}").format(ident(keys), query))
                block.when(more_than_none(log.rows), one)
        values, asked = Block(), asked_keys(registry, keys)
        values.do(
            sql.SQL("if not {} then perform {}; end if").format(REHEARSAL, alone(registry)),
            setting_search_path(self._conn, self._plan.source_schema),
            allocating(self._conn, registry, asked) + sql.SQL("\ninto {}, {}").format(SEEN, THERE),
            sql.SQL("set local search_path = ''"),
        )
        longest = sql.Literal(registry.setting.max_length)
        values.give_up(sql.SQL("{} > {}").format(THERE, longest), "a slug became too long")
        block.when(lacking(registry, keys), values)
        self._parts.add(block, more_than_none(*(logs[use.source].rows for use in uses)))

    def _note(self, move: Derivation, todo: Todo, logs: Mapping[Name, _Log]) -> None:
        block, uses = Block(), [use for use in move.uses if use.source in logs]
        for use in uses:
            log = logs[use.source]
            query = touched_scopes(use, log.change, move.scope, _asked(use, log), gone=True)
            if query is not None:
                one = Block()
                one.do(note(todo, log.oldest, query))
                block.when(more_than_none(log.rows), one)
        if uses:
            self._parts.add(block, more_than_none(*(logs[use.source].rows for use in uses)))

    def _share(self, place: Place, move: Derivation, todo: Todo) -> _Share:
        scope, state = empty(self._temp, move, todo), self._state
        work = lay_out(self._temp, place, scope)
        return _Share(scope, work, state.number(), state.number(), state.number())

    def _pick(self, block: Block, share: _Share) -> None:
        block.do(picking(share.scope, LIMIT) + sql.SQL(" into {}, {}").format(SEEN, FLAG))
        block.give_up(FLAG, "a whole table is to be derived anew")
        block.keep(share.scopes, SEEN)

    def _work_out(self, share: _Share) -> None:
        block, scope, work = Block(), share.scope, share.work
        keys, insert = Asked(scope.table, scope.todo.fields), sql.SQL("insert into {} {}")
        block.count(insert.format(ident(work.wanted), given(keys, scope, work)), share.wants)
        block.count(insert.format(ident(work.doomed), gone(keys, work)), share.dooms)
        in_the_way = any_in_the_way(work)
        if in_the_way is not None:
            several = Block()
            several.give_up(in_the_way, "a unique value changes hands")
            block.when(sql.SQL("{} > 1 or {} > 0").format(share.wants, share.dooms), several)
        self._parts.add(block, more_than_none(share.scopes))

    def _write(self, shares: Sequence[_Share], todos: Mapping[str, Todo]) -> None:
        """As derive.write does, and Batch.touch; of V1 nothing is asked here."""
        works, block = [share.work for share in shares], Block()
        for share in shares:
            changed = [query for _, query in changed_by_keys(share.work, todos)]
            if changed:
                inner = Block()
                inner.give_up(any_row(changed), "a foreign key changes other rows")
                block.when(more_than_none(share.wants), inner)
        block.do(sql.SQL("set constraints all deferred"))
        for share in reversed(shares):
            inner, once = Block(), Block()
            once.count(deleting(share.work, referring(share.work, works)))
            if in_itself(share.work):
                inner.repeat(once)
            else:
                inner = once
            block.when(more_than_none(share.dooms), inner)
        self._update_and_insert(block, shares)
        for share in reversed(shares):
            block.when(more_than_none(share.dooms), _delete_rest(share.work, works))
        block.do(sql.SQL("set constraints all immediate"))
        for share in shares:
            inner, scope = Block(), share.scope
            query = sql.SQL("select {} from {}").format(
                idents(scope.todo.fields), ident(scope.table)
            )
            inner.do(touched(scope.todo, query, self._state.epoch))
            block.when(more_than_none(share.scopes), inner)
        self._parts.add(block, more_than_none(*(share.scopes for share in shares)))

    def _update_and_insert(self, block: Block, shares: Sequence[_Share]) -> None:
        # How many rows there are is not known yet: some, as far as the statements are concerned.
        works = [replace(share.work, wants=1, dooms=1) for share in shares]
        into = sql.SQL(" into {}").format(SEEN)  # a statement that counts
        for unit in units(works):
            inner = Block()
            inner.do(*(s + into if unit.at_once else s for s in written(unit, works, in_all=True)))
            mine = [s for s in shares if unit.writes(s.work.derivation.name)]
            rows = [s.wants for s in mine] + ([s.dooms for s in mine] if unit.at_once else [])
            block.when(more_than_none(*rows), inner)

    def refuse_what_waits(self, captured: Sequence[Captured], todos: Mapping[str, Todo]) -> None:
        """One more part, for when nobody writes any more: all has been taken."""
        waiting = [sql.SQL("select from {}").format(ident(t.table)) for t in todos.values()]
        waiting += [
            sql.SQL("select from {} where {}").format(ident(c.log), trusted(OTHERS))
            for c in captured
        ]
        block = Block()
        block.give_up(any_row(waiting), "changes still wait")
        self._parts.add(block)


def _delete_rest(work: Work, works: Sequence[Work]) -> Block:
    block = Block()
    if not any(child.acts for child in work.children):
        block.do(deleting(work))
        return block
    block.do(deleting_unnoticed(work, works) + sql.SQL(" into {}, {}").format(SEEN, THERE))
    block.give_up(sql.SQL("{} <> {}").format(SEEN, THERE), "rows that stay refer to others")
    return block


def _asked(use: Use, log: _Log) -> Asked | None:
    return Asked(log.change.table, link_fields(use, log.change)) if located(use) else None
