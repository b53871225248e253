"""Both ways at once: some writers on V1, some on V2; one batch carries both, in one transaction.

What V1 wrote goes to V2 first, but for the rows that V2 wrote itself; then what V2 wrote goes back;
then V2's rows follow what that changed in V1. A row is in conflict if V1 changed the row that it is
made of, V2 changed it too, neither had been carried over, and the two do not say the same: the rule
decides, and both versions are kept in repot.conflict. Where V1 changed only something that the row
looks at (a name in a joined table, a row that is counted), V2's change goes back and the row then
follows V1; what V2's row loses by that is noted as a conflict as well.

Rows written on V2 that V1 has no place for are left alone, and noted in repot.uncarried.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from repot.engine.apply.batch import Batch
from repot.engine.apply.derive import work_out
from repot.engine.apply.direct import changed_directly, same_row
from repot.engine.apply.locating import note_todo
from repot.engine.apply.scope import Scope, pick
from repot.engine.apply.taking import ALL, OWN, Taken, take
from repot.engine.apply.temporary import Temporary
from repot.engine.apply.work import Work, same_key
from repot.engine.capture import BACK, FORWARD, read
from repot.engine.compare import any_differs
from repot.model.names import Name
from repot.model.plan import Derivation
from repot.model.results import DrainResult
from repot.postgres.compose import ident, idents
from repot.postgres.connect import Connection

LAST, V1_WINS, V2_WINS = "last", "v1", "v2"
RULES = (LAST, V1_WINS, V2_WINS)
LANES = (FORWARD, BACK)  # in this order, as everybody takes them


@dataclass(frozen=True)
class _Written:
    """Keys of one move's table that V2's writers touched, in a temporary table: the key, at, and
    who wins where it is in conflict (winner; NULL: no conflict)."""

    move: Derivation
    table: Name
    rows: int


def carry_both(forward: Batch, back: Batch, rule: str, limit: int) -> DrainResult:
    """One batch, in the caller's REPEATABLE READ transaction, with both lanes held.

    Raises psycopg.Error where a row cannot be written.
    """
    return _Both(forward, back, rule).carry(limit)


class _Both:
    def __init__(self, forward: Batch, back: Batch, rule: str) -> None:
        self.conn, self.forward, self.back, self.rule = forward.conn, forward, back, rule
        self.conflicts = 0

    def carry(self, limit: int) -> DrainResult:
        times = self.rule == LAST and _keeps_commit_times(self.conn)
        theirs = self.forward.take(limit, commit_times=times)
        ours = self.back.take(limit, commit_times=times)
        self.forward.note(theirs)
        self.back.note(ours)
        self.temp = Temporary(self.conn)
        written = {
            w.move.name: w for m in self.forward.derivations if (w := self._written(m, ours))
        }

        first = self._pick(self.forward)
        works = work_out(self.conn, self.temp, self.forward.place, first)
        for work in works:
            if work.derivation.name in written:
                self._settle(work, written[work.derivation.name], theirs)
        left = self._without(works, written)
        self._count(self.forward, first, self.forward.write(works))

        goes_back = self._pick(self.back)
        done = self.back.write(work_out(self.conn, self.temp, self.back.place, goes_back))
        self._count(self.back, goes_back, done)

        self._follow(written, left)
        self._note_uncarried(written)
        result, other = self.forward.end(), self.back.end()
        tables = {**result.tables}
        for name, rows in other.tables.items():
            tables[f"V1 {name}"] = rows
        return DrainResult(
            changes=result.changes + other.changes,
            keys=result.keys + other.keys,
            written=result.written + other.written,
            tables=tables,
            conflicts=self.conflicts,
        )

    def _pick(self, batch: Batch) -> list[Scope]:
        return pick(self.conn, self.temp, batch.derivations, batch.todos, ALL)

    def _count(self, batch: Batch, picked: list[Scope], written: dict[str, int]) -> None:
        batch.done.add(picked, written)
        batch.touch(picked)

    def _written(self, move: Derivation, ours: dict[Name, Taken]) -> _Written | None:
        """What V2's writers touched in the move's table."""
        change = ours.get(move.table)
        if change is None:
            return None
        table = self.temp.like(
            f"repot_written_{self.forward.todos[move.name].id}",
            sql.SQL("select {}, null::timestamptz as at, null::text as winner from {} as v").format(
                idents(move.key, "v"), ident(move.view)
            ),
        )
        position = dict(zip(change.captured.columns, change.captured.fields, strict=True))
        fields = idents(position[c] for c in move.key)
        query = sql.SQL(
            "select {}, max(at), null from {} where op not in ('T', 't') group by {}"
        ).format(fields, ident(change.table), fields)
        if change.truncated:  # every row that V1 gives was deleted
            query = sql.SQL("select {}, {}::timestamptz, null from {} as v").format(
                idents(move.key, "v"), sql.Literal(change.oldest), ident(move.view)
            )
        return _Written(move, table, self.temp.fill(table, query))

    def _settle(self, work: Work, written: _Written, theirs: dict[Name, Taken]) -> None:
        """Find the conflicts of a move, let the rule decide, and keep both versions."""
        move = work.derivation
        todo = self.forward.todos[move.name]
        changed = changed_directly(self.conn, self.temp, move, work.description, todo, theirs)
        if changed is None:
            return
        given = [c for c in work.columns if c not in move.key]
        winner = {
            LAST: sql.SQL("case when d.at > k.at then 'v1' else 'v2' end"),
            V1_WINS: sql.SQL("'v1'"),
            V2_WINS: sql.SQL("'v2'"),
        }[self.rule]
        self.conn.execute(
            sql.SQL(
                "update {written} as x set winner = {winner} from {written} as k"
                " join (select {key}, max(c.at) as at from {written} as n join {changed} as c"
                "  on {meant} group by {key}) as d on {same_d}"
                " left join {wanted} as w on {same_w} left join {table} as t on {same_t}"
                " where {same_x}"
                " and ((w.{first} is null) <> (t.{first} is null) or (w.{first} is not null"
                " and ({differs})))"
            ).format(
                written=ident(written.table),
                winner=winner,
                key=idents(move.key, "n"),
                changed=ident(changed),
                meant=same_row(move, "n", "c"),
                same_d=same_key(move, "d", "k"),
                wanted=ident(work.wanted),
                same_w=same_key(move, "w", "k"),
                table=ident(work.table),
                same_t=same_key(move, "t", "k"),
                same_x=same_key(move, "x", "k"),
                first=sql.Identifier(move.key[0]),
                differs=any_differs([work.described(c) for c in given], "w", "t"),
            )
        )
        self._record(work, written, sql.SQL("k.winner is not null"), self.rule, sql.SQL("k.winner"))

    def _record(
        self,
        work: Work,
        written: _Written,
        which: sql.Composable,
        rule: str,
        winner: sql.Composable,
    ) -> None:
        """Keep both versions of the rows `k` of which `which` is true."""
        move = work.derivation
        columns = dict.fromkeys([*move.key, *work.columns])
        done = self.conn.execute(
            sql.SQL(
                "insert into repot.conflict (run, name, key, v1, v2, v2_at, rule, winner)"
                " select {run}, {name}, (select pg_catalog.to_jsonb(x) from (select {key}) as x),"
                " (select pg_catalog.to_jsonb(x) from (select {columns_w}) as x"
                "  where w.{first} is not null),"
                " (select pg_catalog.to_jsonb(x) from (select {columns_t}) as x"
                "  where t.{first} is not null), k.at, {rule}, {winner}"
                " from {written} as k left join {wanted} as w on {same_w}"
                " left join {table} as t on {same_t} where {which}"
            ).format(
                run=sql.Literal(self.forward.run_id),
                name=sql.Literal(move.name),
                key=idents(move.key, "k"),
                columns_w=idents(columns, "w"),
                columns_t=idents(columns, "t"),
                first=sql.Identifier(move.key[0]),
                rule=sql.Literal(rule),
                winner=winner,
                written=ident(written.table),
                wanted=ident(work.wanted),
                same_w=same_key(move, "w", "k"),
                table=ident(work.table),
                same_t=same_key(move, "t", "k"),
                which=which,
            )
        )
        self.conflicts += done.rowcount

    def _without(self, works: list[Work], written: dict[str, _Written]) -> dict[str, Name]:
        """Take the rows that V2 wrote, and that V1 has not won, out of what is to be written; gives
        the tables of their keys, by move: they follow V1 when V2's changes are in it."""
        left = {}
        for work in works:
            mine = written.get(work.derivation.name)
            if mine is None:
                continue
            key = work.derivation.key
            number = self.forward.todos[work.derivation.name].id
            table = self.temp.like(
                f"repot_left_{number}",
                sql.SQL("select {} from {} as k").format(idents(key, "k"), ident(mine.table)),
            )
            for place in (work.wanted, work.doomed):
                self.conn.execute(
                    sql.SQL(
                        "with gone as (delete from {place} as w using {written} as k where {same}"
                        " and k.winner is distinct from 'v1' returning {key})"
                        " insert into {left} select * from gone"
                    ).format(
                        place=ident(place),
                        written=ident(mine.table),
                        same=same_key(work.derivation, "w", "k"),
                        key=idents(key, "w"),
                        left=ident(table),
                    )
                )
            self.temp.filled(table, 1)
            left[work.derivation.name] = table
        return left

    def _follow(self, written: dict[str, _Written], left: dict[str, Name]) -> None:
        """V2's rows follow what its own changes did to V1, and what V1 changed beside them."""
        taken = take(
            self.conn,
            Temporary(self.conn),
            read(self.conn, self.forward.run_id, FORWARD),
            whose=OWN,
            limit=ALL,
        )
        for move in self.forward.derivations:
            note_todo(self.conn, [move], self.forward.todos, taken)
            if move.name in left:
                mine = self.forward.todos[move.name]
                self.conn.execute(
                    sql.SQL("insert into {} ({}) select distinct {} from {}").format(
                        ident(mine.table),
                        idents(mine.fields),
                        idents(move.scope),
                        ident(left[move.name]),
                    )
                )
        self.temp = self.temp.again()
        picked = self._pick(self.forward)
        works = work_out(self.conn, self.temp, self.forward.place, picked)
        for work in works:
            mine_written = written.get(work.derivation.name)
            if mine_written is not None:
                self._yield(work, mine_written, left.get(work.derivation.name))
        self._count(self.forward, picked, self.forward.write(works))

    def _yield(self, work: Work, written: _Written, left: Name | None) -> None:
        """What V2 wrote stays as it is, unless V1 changed something beside it."""
        move = work.derivation
        beside: sql.Composable = sql.SQL("false")
        if left is not None:
            beside = sql.SQL("exists (select from {} as l where {}) and k.winner is null").format(
                ident(left), same_key(move, "l", "k")
            )
            given = [work.described(c) for c in work.columns if c not in move.key]
            changed = sql.SQL(
                "({beside}) and ((w.{first} is null) <> (t.{first} is null)"
                " or (w.{first} is not null and ({differs})))"
            ).format(
                beside=beside,
                first=sql.Identifier(move.key[0]),
                differs=any_differs(given, "w", "t"),
            )
            self._record(work, written, changed, "v1 beside", sql.SQL("'v1'"))
        for place in (work.wanted, work.doomed):
            self.conn.execute(
                sql.SQL(
                    "delete from {place} as w using {written} as k where {same} and not ({beside})"
                ).format(
                    place=ident(place),
                    written=ident(written.table),
                    same=same_key(move, "w", "k"),
                    beside=beside,
                )
            )

    def _note_uncarried(self, written: dict[str, _Written]) -> None:
        """Which of the rows that V2 wrote V1 has no place for."""
        for mine in written.values():
            move = mine.move
            table = self.forward.place.catalog.get(move.table)
            assert table is not None
            given = [c for c in table.columns if c.name in move.columns and c.name not in move.key]
            key = sql.SQL("(select pg_catalog.to_jsonb(x) from (select {}) as x)").format(
                idents(move.key, "k")
            )
            words = {
                "run": sql.Literal(self.forward.run_id),
                "name": sql.Literal(move.name),
                "key": key,
                "written": ident(mine.table),
            }
            self.conn.execute(
                sql.SQL(
                    "delete from repot.uncarried where run = {run} and name = {name}"
                    " and key in (select {key} from {written} as k)"
                ).format(**words)
            )
            self.conn.execute(
                sql.SQL(
                    "insert into repot.uncarried (run, name, key, kind, foreseen)"
                    " select {run}, {name}, {key}, case when t.{first} is null then 'missing'"
                    "  when v.{first} is null then 'extra' else 'changed' end, false"
                    " from {written} as k left join {view} as v on {same_v}"
                    " left join {table} as t on {same_t}"
                    " where (v.{first} is null) <> (t.{first} is null)"
                    " or (v.{first} is not null and ({differs}))"
                ).format(
                    **words,
                    first=sql.Identifier(move.key[0]),
                    view=ident(move.view),
                    same_v=same_key(move, "v", "k"),
                    table=ident(self.forward.names[move.table]),
                    same_t=same_key(move, "t", "k"),
                    differs=any_differs(given, "v", "t"),
                )
            )


def _keeps_commit_times(conn: Connection) -> bool:
    row = conn.execute("select current_setting('track_commit_timestamp')::boolean").fetchone()
    return bool(row and row[0])
