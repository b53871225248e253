"""While V2 serves: its rows that V1 cannot give: found, explained or not, kept in quarantine.

The view gives V1's truth; where V2's table has something else after all changes were carried back,
V1 has no place for it. It may be explained:
- the plan said beforehand that the table or column is not carried back;
- an outside table changed (somebody signed in), which the views see and V2 was never told.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from psycopg import errors, sql

from repot.engine import capture, wal
from repot.engine import todo as todos_of
from repot.engine.apply.locating import Arrays, Keys, arrays, everything, same_scope, scopes
from repot.engine.apply.scope import Scope, add, add_all, empty
from repot.engine.apply.taking import Taken, copy_logs
from repot.engine.apply.temporary import Temporary
from repot.engine.compare import any_differs, compared_columns, differs, examples
from repot.engine.lag import lag
from repot.engine.prove.touched import EVER, held, raise_epoch
from repot.engine.session import Session
from repot.model.catalog import Column, Table
from repot.model.errors import RepotError
from repot.model.names import Name, fitted
from repot.model.plan import Derivation, Plan
from repot.model.results import Difference
from repot.model.schemas import QUARANTINE
from repot.postgres.compose import ident, idents, joined
from repot.postgres.connect import Connection, one_snapshot
from repot.postgres.patience import IN_THE_WAY, give_way
from repot.postgres.relations import now
from repot.postgres.together import together

_KIND, _UNEXPLAINED, _DRIFT = "repot_kind", "repot_unexplained", "repot_drift"
EXAMPLES = 5


@dataclass(frozen=True)
class Found:
    """Differing keys of one V2 table, in a temporary table of this transaction."""

    move: Derivation
    table: Table
    now: Name
    keys: Name  # the key columns, repot_kind, repot_drift, repot_unexplained
    scope: Scope  # what was compared
    rows: int
    extra: int
    drifted: int
    unexplained: int

    @property
    def lost(self) -> int:
        """Rows of V2 that V1 cannot give, for whatever reason but an outside change."""
        return self.rows - self.drifted


def find(
    conn: Connection,
    session: Session,
    *,
    gone: Collection[str] = (),
    epoch: int = EVER,
    unread: wal.Unread | None = None,
) -> list[Found]:
    """The touched rows that differ, each classified, and such as follow what was changed outside;
    of all moves but those whose table is `gone`. What is equal is touched no more.

    epoch: up to which it is looked at; without locks it must be over (raise_epoch), or what is
    touched meanwhile would be forgotten with it. unread: what the snapshot sees of changes that no
    log tells; under locks it has been logged.
    """
    temp = Temporary(conn)
    outside = _other_changes(conn, session, temp, unread)
    todos = todos_of.read(conn, session.run.id, todos_of.FORWARD)
    touched = held(conn, list(todos.values()), session.run.id, epoch)
    asked, adding = [], []
    for move in session.plan.moves:
        if move.name in gone or move.name not in todos:
            continue
        drift = _drift(conn, temp, move, todos, outside)
        if move.name not in touched and drift is None:
            continue
        whole = touched.get(move.name, False) or bool(drift and drift.all)
        mine = replace(empty(temp, move, todos[move.name], "prove"), all=whole)
        asked.append((move, drift))
        adding.append((mine, _touched(mine, epoch, drift)))
    touching = add_all(conn, temp, adding)
    known = arrays(conn, [(s.table, s.todo.fields[0]) for s in touching if not s.all])
    tables, fills = [], []
    for (move, drift), mine in zip(asked, touching, strict=True):
        table = session.plan.target.get(move.table)
        assert table is not None
        at = now(conn, session.run.id, move.table)
        query = _collected(conn, session.plan, mine, table, at, drift, known)
        tables.append((move, table, at, mine))
        fills.append((temp.like(_keys_name(mine), query), query))
    temp.fill_all(fills)
    answers = together(conn, [_counted(keys) for keys, _ in fills])
    result = []
    for (move, table, at, mine), (keys, _), answer in zip(tables, fills, answers, strict=True):
        numbers = (int(str(n)) for n in answer.rows[0])
        result.append(Found(move, table, at, keys, mine, *numbers))
    together(conn, [s for found in result for s in _forget_equal(found, epoch)])
    return [f for f in result if f.rows]


def lay_out(conn: Connection, session: Session) -> None:
    """Make the temporary tables of `find` now: under a switch's locks there is no time."""
    temp = Temporary(conn)
    todos = todos_of.read(conn, session.run.id, todos_of.FORWARD)
    for move in session.plan.moves:
        table = session.plan.target.get(move.table)
        assert table is not None
        at = now(conn, session.run.id, move.table)
        empty(temp, move, todos[move.name])
        mine = empty(temp, move, todos[move.name], "prove")
        temp.like(_keys_name(mine), _collected(conn, session.plan, mine, table, at, None, None))
    temp.tell_planner()


def _touched(scope: Scope, epoch: int, drift: Scope | None) -> sql.Composable:
    fields = idents(scope.todo.fields)
    query: sql.Composable = sql.SQL("select {} from {} where epoch <= {}").format(
        fields, ident(scope.todo.touched), sql.Literal(epoch)
    )
    if drift is None:
        return query
    return query + sql.SQL(" union select {} from {}").format(fields, ident(drift.table))


def _keys_name(scope: Scope) -> str:
    return f"repot_differing_{scope.todo.id}"


def _counted(keys: Name) -> sql.Composed:
    return sql.SQL(
        "select count(*), count(*) filter (where {kind} = 'extra'),"
        " count(*) filter (where {drift}), count(*) filter (where {unexplained}) from {t}"
    ).format(
        kind=sql.Identifier(_KIND),
        drift=sql.Identifier(_DRIFT),
        unexplained=sql.Identifier(_UNEXPLAINED),
        t=ident(keys),
    )


def _forget_equal(found: Found, epoch: int) -> list[sql.Composed]:
    """Touched scopes in which nothing differs have been proven."""
    mine, statements = found.scope.todo, []
    if found.scope.all and not found.rows:
        statements.append(
            sql.SQL(
                "update repot.work set whole_epoch = null where id = {} and whole_epoch <= {}"
            ).format(sql.Literal(mine.id), sql.Literal(epoch))
        )
    statements.append(
        sql.SQL(
            "delete from {touched} as t using {scope} as s where {same} and t.epoch <= {epoch}"
            " and not exists (select from {keys} as k where {differs})"
        ).format(
            touched=ident(mine.touched),
            epoch=sql.Literal(epoch),
            scope=ident(found.scope.table),
            same=joined(
                (sql.SQL("s.{f} = t.{f}").format(f=sql.Identifier(f)) for f in mine.fields), " and "
            ),
            keys=ident(found.keys),
            differs=same_scope(found.move, mine, "k", "t"),
        )
    )
    return statements


def shown(conn: Connection, found: Found, *, unexplained: bool) -> tuple[Difference, ...]:
    """Some of the rows that are lost, or only of those that nobody foresaw."""

    def where(alias: str) -> sql.Composable:
        return sql.SQL("exists (select from {} as k where {} and {})").format(
            ident(found.keys),
            _same(found.move.key, "k", alias),
            sql.SQL("k.{}").format(sql.Identifier(_UNEXPLAINED))
            if unexplained
            else sql.SQL("not k.{}").format(sql.Identifier(_DRIFT)),
        )

    return examples(conn, found.move, found.table, found.now, where, EXAMPLES)


def keep(conn: Connection, run: int, found: Found) -> int:
    """Put V2's version of the rows into repot_quarantine; gives how many."""
    into = quarantine_table(conn, run, found.now)
    return conn.execute(
        sql.SQL(
            "insert into {into} ({columns}, repot_kind, repot_at)"
            " select {columns_t}, k.{kind}, clock_timestamp()"
            " from {table} as t join {keys} as k on {same}"
        ).format(
            into=ident(into),
            columns=idents(c.name for c in found.table.columns),
            columns_t=idents((c.name for c in found.table.columns), "t"),
            kind=sql.Identifier(_KIND),
            table=ident(found.now),
            keys=ident(found.keys),
            same=_same(found.move.key, "k", "t"),
        )
    ).rowcount


def quarantine_table(conn: Connection, run: int, table: Name) -> Name:
    """`repot_quarantine."<table>.v2.<run>"`: V2's columns, repot_kind and repot_at."""
    into = Name(schema_=QUARANTINE, name=fitted(f"{table.name}.v2.{run}"))
    conn.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(QUARANTINE)))
    conn.execute(
        sql.SQL(
            "create table if not exists {} (like {}, repot_kind text not null,"
            " repot_at timestamptz not null)"
        ).format(ident(into), ident(table))
    )
    return into


def note_uncarried(session: Session) -> int | None:
    """While V2 serves: compare what was touched, and note the rows that V1 has no place for in
    repot.uncarried; gives how many. None where it cannot be told now: changes wait, and what they
    bring is not in V1 yet, somebody is in the way, or what others changed was lost (wal.LOST)."""
    run = session.run.id
    with session.connect("repot follow") as conn:
        epoch = raise_epoch(conn, run)
        try:
            with ExitStack() as turn:
                turn.enter_context(wal.still(conn, run, session.plan))
                with one_snapshot(conn), conn.transaction():
                    unread = wal.unread(conn, run, session.plan)
                    turn.close()
                    give_way(conn)
                    conn.execute("set local jit = off")
                    if lag(conn, run, capture.BACK).waiting:
                        return None
                    found = find(conn, session, epoch=epoch, unread=unread)
                    return _note(conn, run, [f for f in found if f.lost])
        except (errors.SerializationFailure, errors.UndefinedTable, *IN_THE_WAY):
            return None  # the last: a switch has just removed a log
        except RepotError as lost:
            if lost.code != wal.LOST:
                raise
            return None


def _note(conn: Connection, run: int, found: Sequence[Found]) -> int:
    conn.execute("delete from repot.uncarried where run = %s", (run,))
    for one in found:
        conn.execute(
            sql.SQL(
                "insert into repot.uncarried (run, name, key, kind, foreseen)"
                " select {run}, {name},"
                " (select pg_catalog.to_jsonb(k) from (select {key}) as k), d.{kind},"
                " not d.{unexplained} from {keys} as d where not d.{drift}"
            ).format(
                run=sql.Literal(run),
                name=sql.Literal(one.move.name),
                key=idents(one.move.key, "d"),
                kind=sql.Identifier(_KIND),
                unexplained=sql.Identifier(_UNEXPLAINED),
                keys=ident(one.keys),
                drift=sql.Identifier(_DRIFT),
            )
        )
    return sum(one.lost for one in found)


def _collected(
    conn: Connection,
    plan: Plan,
    scope: Scope,
    table: Table,
    at: Name,
    drift: Scope | None,
    known: Arrays | None,
) -> sql.Composed:
    """The keys of the rows that differ, and how."""
    move = scope.derivation
    compared, _ = compared_columns(move, table)
    names = list(dict.fromkeys([*move.key, *(c.name for c in compared)]))
    side = sql.SQL("(select true as repot_here, {} from {} as s where {}) as {}")
    inside: sql.Composable = sql.SQL("true")
    if not scope.all:
        found = Keys(conn, scope.table, scope.todo.fields, known).among(move.scope, "s")
        inside = found if found is not None else sql.SQL("false")
    return sql.SQL(
        "select d.*, {drift} as {drift_name},"
        " not ({drift} or {foreseen}) as {unexplained}"
        " from (select {keys}, {flags},"
        "  case when t.repot_here is null then 'missing' when v.repot_here is null then 'extra'"
        "       else 'changed' end as {kind}"
        "  from {v} full join {t} on {same}"
        "  where v.repot_here is null or t.repot_here is null or {changed}) as d"
    ).format(
        drift=_drifted(conn, move, drift),
        drift_name=sql.Identifier(_DRIFT),
        foreseen=_foreseen(plan, move, compared),
        unexplained=sql.Identifier(_UNEXPLAINED),
        keys=joined(
            sql.SQL("coalesce(v.{c}, t.{c}) as {c}").format(c=sql.Identifier(c)) for c in move.key
        ),
        flags=joined(
            [
                sql.SQL("{} as {}").format(_differs(c), sql.Identifier(_flag(n)))
                for n, c in enumerate(compared)
            ]
            or [sql.SQL("false as repot_flag")]
        ),
        kind=sql.Identifier(_KIND),
        v=side.format(idents(names, "s"), ident(move.view), inside, sql.Identifier("v")),
        t=side.format(idents(names, "s"), ident(at), inside, sql.Identifier("t")),
        same=_same(move.key, "v", "t"),
        changed=any_differs(compared, "v", "t"),
    )


def _foreseen(plan: Plan, move: Derivation, compared: Sequence[Column]) -> sql.Composable:
    """The plan said that this would not come back: the whole table, or the columns that differ."""
    sources = {u.source.name for u in move.uses if u.source.schema_ == plan.source_schema}
    whole = [n for n in plan.not_carried if n.column is None]
    if any(n.table in sources if n.of_v1 else n.table == move.name for n in whole):
        return sql.SQL("true")
    columns = {n.column for n in plan.not_carried if n.table == move.name}
    others = [
        sql.SQL("not d.{}").format(sql.Identifier(_flag(n)))
        for n, c in enumerate(compared)
        if c.name not in columns
    ]
    if not columns:
        return sql.SQL("false")
    changed = sql.SQL("d.{} = 'changed'").format(sql.Identifier(_KIND))
    return sql.SQL("({})").format(joined([changed, *others], " and "))


def _drift(
    conn: Connection,
    temp: Temporary,
    move: Derivation,
    todos: dict[str, todos_of.Todo],
    changes: dict[Name, Taken],
) -> Scope | None:
    """Scopes of the move that changes touch which V2 was never told of."""
    found = scopes(conn, move.uses, move.scope, changes)
    whole = everything(move.uses, changes)
    if not found and not whole:
        return None
    scope = empty(temp, move, todos[move.name])
    for _, query in found:
        scope = add(conn, temp, scope, query)
    return replace(scope, all=whole)


def _drifted(conn: Connection, move: Derivation, drift: Scope | None) -> sql.Composable:
    """A table that V1 does not own alone changed in a way that touches the row."""
    if drift is None:
        return sql.SQL("false")
    if drift.all:
        return sql.SQL("true")
    return sql.SQL("exists (select from {} as o where {})").format(
        ident(drift.table), same_scope(move, drift.todo, "d", "o")
    )


def _other_changes(
    conn: Connection, session: Session, temp: Temporary, unread: wal.Unread | None
) -> dict[Name, Taken]:
    """The forward logs as they are, without Repot's own writes: outside tables, and whoever still
    writes V1. They are applied, as ever, by the next verify."""
    captured = capture.read(conn, session.run.id, capture.FORWARD)
    return copy_logs(conn, temp, captured, unread=unread)


def _differs(column: Column) -> sql.Composable:
    """For a row of both sides: whether this column differs; false where one side is missing."""
    left = sql.SQL("v.{}").format(sql.Identifier(column.name))
    right = sql.SQL("t.{}").format(sql.Identifier(column.name))
    return sql.SQL("(v.repot_here and t.repot_here and {}) is true").format(
        sql.SQL("({})").format(differs(left, right, column))
    )


def _flag(number: int) -> str:
    return f"repot_flag_{number}"


def _same(columns: Sequence[str], left: str, right: str) -> sql.Composed:
    return joined(
        (
            sql.SQL("{}.{} = {}.{}").format(
                sql.Identifier(left), sql.Identifier(c), sql.Identifier(right), sql.Identifier(c)
            )
            for c in columns
        ),
        " and ",
    )
