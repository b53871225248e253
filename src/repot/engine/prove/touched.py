"""Proving the scopes that were written since they were last proven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from psycopg import errors, sql

from repot.engine import todo, wal
from repot.engine.apply.locating import Arrays, Keys, arrays
from repot.engine.apply.names import Names
from repot.engine.apply.scope import Scope, add_all, empty
from repot.engine.apply.temporary import Temporary
from repot.engine.compare import Counts, Where, comparing, counted, everywhere, examples
from repot.engine.prove.aside import Aside, own_rows, without_own
from repot.engine.prove.rewritten import Files, files, rewritten
from repot.engine.todo import Todo
from repot.model.plan import Derivation, Plan
from repot.model.results import Difference
from repot.postgres.compose import ident, idents, joined, trusted
from repot.postgres.connect import Connection
from repot.postgres.patience import IN_THE_WAY, PATIENCE, Patience, give_way
from repot.postgres.together import together

EXAMPLES = 3
ATTEMPTS = 5
EVER = 2**31 - 1  # an epoch that never comes


@dataclass(frozen=True)
class TouchedProof:
    """What became of one move's touched rows."""

    move: Derivation
    counts: Counts
    scopes: int
    whole: bool
    examples: tuple[Difference, ...] = ()

    @property
    def rows(self) -> int:
        return self.counts.pairs + self.counts.missing + self.counts.extra


def raise_epoch(conn: Connection, run_id: int) -> int:
    """Begin a new epoch, once no applier is at work; gives the one that ended."""
    row = conn.execute(
        "update repot.run set epoch = epoch + 1 where id = %s returning epoch - 1", (run_id,)
    ).fetchone()
    assert row is not None
    return int(str(row[0]))


def touched_count(conn: Connection, run_id: int) -> int:
    """Scopes that are touched and not proven since; a whole table counts as one."""
    todos = todo.read(conn, run_id, todo.FORWARD).values()
    parts = [sql.SQL("select count(*) from {}").format(ident(t.touched)) for t in todos]
    parts.append(
        sql.SQL(
            "select count(*) from repot.work where run = {} and whole_epoch is not null"
        ).format(sql.Literal(run_id))
    )
    row = conn.execute(
        sql.SQL("select sum(n) from ({}) as t(n)").format(joined(parts, " union all "))
    ).fetchone()
    return int(str(row[0])) if row else 0


def forget_touched(conn: Connection, run_id: int, epoch: int) -> None:
    """All that was touched up to this epoch has been proven."""
    with conn.transaction():
        for t in todo.read(conn, run_id, todo.FORWARD).values():
            conn.execute(
                sql.SQL("delete from {} where epoch <= {}").format(
                    ident(t.touched), sql.Literal(epoch)
                )
            )
        conn.execute(
            "update repot.work set whole_epoch = null where run = %s and whole_epoch <= %s",
            (run_id, epoch),
        )


def prove_touched(
    conn: Connection, run: int, plan: Plan, *, seconds: float = PATIENCE
) -> list[TouchedProof]:
    """Compare what was touched, in a snapshot, while everybody goes on; what is equal is proven,
    and what waits again stays as it is.

    conn: without a transaction. seconds: for which it may be put off by locks of others. Raises
    Refused `lock-timeout`.
    """
    attempts, patience = 0, Patience("proving what was written", seconds=seconds)
    while attempts < ATTEMPTS:
        epoch = raise_epoch(conn, run)
        before = files(conn, run)
        try:
            with wal.still(conn, run, plan):
                conn.execute("begin isolation level repeatable read")
                unread = wal.unread(conn, run, plan)
            give_way(conn)
            conn.execute("set local jit = off")
            aside = Aside(conn, run, plan, unread=unread)
            proofs = _prove(conn, run, plan, epoch, aside)
            proofs = _believed(conn, run, proofs, before)
            conn.commit()
        except errors.SerializationFailure:  # a whole table was touched anew meanwhile
            conn.rollback()
            attempts += 1
        except IN_THE_WAY:
            conn.rollback()
            patience.wait(conn)
        else:
            return proofs
    return []


def _believed(
    conn: Connection, run_id: int, proofs: list[TouchedProof], before: Files
) -> list[TouchedProof]:
    """Without differences that come from a table that was emptied since the snapshot: what is
    touched stays touched."""
    if not any(p.counts.differences for p in proofs):
        return proofs
    after = files(conn, run_id)
    return [p for p in proofs if not p.counts.differences or not rewritten(before, after, p.move)]


def prove_touched_now(conn: Connection, run_id: int, plan: Plan) -> list[TouchedProof]:
    """The same of all that is touched, in the caller's transaction, under locks: nothing waits."""
    return _prove(conn, run_id, plan, EVER, None)


def _prove(
    conn: Connection, run_id: int, plan: Plan, epoch: int, aside: Aside | None
) -> list[TouchedProof]:
    todos = todo.read(conn, run_id, todo.FORWARD)
    names, temp = Names(conn, run_id), Temporary(conn)
    moves = {m.name: m for m in plan.moves}
    own = own_rows(conn, run_id)
    touched = held(conn, list(todos.values()), run_id, epoch)
    with temp.at_once():
        adding = [
            _touched(temp, moves[name], todos[name], epoch, whole, aside)
            for name, whole in touched.items()
        ]
    scopes = add_all(conn, temp, adding)
    known = arrays(conn, [(s.table, s.todo.fields[0]) for s in scopes if not s.all])
    wheres = [without_own(run_id, s.derivation, _where(conn, s, known, aside), own) for s in scopes]
    proofs = _compare(conn, plan, names, list(zip(scopes, wheres, strict=True)))
    proven = [s for s, p in zip(scopes, proofs, strict=True) if not p.counts.differences]
    together(conn, [statement for scope in proven for statement in _proven(scope, epoch)])
    return proofs


def held(
    conn: Connection, todos: Sequence[Todo], run_id: int, epoch: int = EVER
) -> dict[str, bool]:
    """Moves with something touched, and whether all of their table is; one round trip."""
    parts = [
        sql.SQL("select {}, false where exists (select from {} where epoch <= {})").format(
            sql.Literal(t.name), ident(t.touched), sql.Literal(epoch)
        )
        for t in todos
    ]
    parts.append(
        sql.SQL(
            "select name, true from repot.work where run = {} and direction = 'forward'"
            " and whole_epoch <= {}"
        ).format(sql.Literal(run_id), sql.Literal(epoch))
    )
    held: dict[str, bool] = {}
    for name, whole in conn.execute(joined(parts, " union all ")).fetchall():
        held[str(name)] = held.get(str(name), False) or bool(whole)
    return held


def _touched(
    temp: Temporary, move: Derivation, mine: Todo, epoch: int, whole: bool, aside: Aside | None
) -> tuple[Scope, sql.Composable]:
    """What is to be compared: the touched scopes, without those that wait."""
    waits = aside.of(move) if aside is not None else None
    scope = replace(empty(temp, move, mine, "prove"), all=whole and not (waits and waits.all))
    query = touched_until(mine, epoch)
    if waits is not None:
        query += sql.SQL(" and ")
        if waits.all:
            query += sql.SQL("false")
        else:
            query += sql.SQL("not exists (select from {} as a where {})").format(
                ident(waits.table),
                joined(
                    (sql.SQL("a.{f} = t.{f}").format(f=sql.Identifier(f)) for f in mine.fields),
                    " and ",
                ),
            )
    return scope, query


def touched_until(todo: Todo, epoch: int) -> sql.Composed:
    """SELECT: the scopes (as t) that were touched up to this epoch."""
    return sql.SQL("select {fields} from {touched} as t where epoch <= {epoch}").format(
        fields=idents(todo.fields, "t"), touched=ident(todo.touched), epoch=sql.Literal(epoch)
    )


def _where(conn: Connection, scope: Scope, known: Arrays, aside: Aside | None) -> Where:
    move = scope.derivation
    if scope.all:
        return aside.outside(move, everywhere) if aside else everywhere
    keys = Keys(conn, scope.table, scope.todo.fields, known)
    # Of the two sides the view is asked as it is best asked.
    conditions = {"v": keys.among(move.asked_by[1], "v"), "t": keys.among(move.scope, "t")}
    return lambda alias: conditions[alias] or sql.SQL("false")


def _compare(
    conn: Connection, plan: Plan, names: Names, what: Sequence[tuple[Scope, Where]]
) -> list[TouchedProof]:
    questions = []
    for scope, where in what:
        move = scope.derivation
        table = plan.target.get(move.table)
        assert table is not None
        questions.append((move, table, names[move.table], where))
    answers = together(conn, [comparing(conn, *question) for question in questions])
    proofs = []
    for (scope, _), question, answer in zip(what, questions, answers, strict=True):
        counts = counted(answer.rows[0])
        found: tuple[Difference, ...] = ()
        if counts.differences:
            found = examples(conn, *question, EXAMPLES)
        proofs.append(TouchedProof(scope.derivation, counts, scope.count, scope.all, found))
    return proofs


def _proven(scope: Scope, epoch: int) -> list[sql.Composed]:
    """The compared scopes are touched no more. Of a whole table what waits is touched anew."""
    mine, statements = scope.todo, []
    if scope.all:
        statements.append(
            sql.SQL(
                "update repot.work set whole_epoch = null where id = {} and whole_epoch <= {}"
            ).format(sql.Literal(mine.id), sql.Literal(epoch))
        )
    if scope.count:
        statements.append(touched_no_more(scope, epoch))
    return statements


def touched_no_more(scope: Scope, epoch: int) -> sql.Composed:
    """The statement that notes: the scopes have been proven up to this epoch."""
    mine = scope.todo
    return sql.SQL(
        "delete from {touched} as t where epoch <= {epoch}"
        " and exists (select from {scope} as s where {same})"
    ).format(
        touched=ident(mine.touched),
        epoch=sql.Literal(epoch),
        scope=ident(scope.table),
        same=joined(
            (sql.SQL("s.{f} = t.{f}").format(f=sql.Identifier(f)) for f in mine.fields), " and "
        ),
    )


def touch_own(conn: Connection, run_id: int, plan: Plan) -> None:
    """Rows that V2's writers made before the cutover, and V1 has no place for, are to be found when
    a rollback compares what was touched."""
    own, todos = own_rows(conn, run_id), todo.read(conn, run_id, todo.FORWARD)
    for move in plan.moves:
        if move.name not in own:
            continue
        mine = todos[move.name]
        columns = joined(
            sql.SQL("(u.key ->> {})::{}").format(sql.Literal(c), trusted(t))
            for c, t in zip(move.scope, mine.types, strict=True)
        )
        conn.execute(
            sql.SQL(
                "insert into {touched} ({fields}, epoch) select distinct {columns}, r.epoch"
                " from repot.uncarried u join repot.run r on r.id = u.run"
                " where u.run = {run} and u.name = {name} on conflict do nothing"
            ).format(
                touched=ident(mine.touched),
                fields=idents(mine.fields),
                columns=columns,
                run=sql.Literal(run_id),
                name=sql.Literal(move.name),
            )
        )
