"""What a migration that failed half-way leaves: invalid indexes, unvalidated constraints, triggers
that sleep, sequences behind their tables."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from repot.doctor.visit import Row, Visit, error, unless, warning
from repot.model.doctor import Trouble
from repot.model.names import name, quoted
from repot.postgres.compose import ident


def indexes(visit: Visit) -> Iterator[Trouble]:
    """Indexes that a CREATE INDEX CONCURRENTLY left behind."""
    for row in visit.rows("indexes.sql"):
        unique = " and keeps nothing unique" if row["unique"] else ""
        yield error(
            "index-invalid",
            f"the index {row['index']} on {row['table']} is invalid: it costs every write, serves "
            f"no query{unique}",
            hint="see why it failed (a duplicate, a cancelled statement), then build it again",
            next=f"REINDEX INDEX CONCURRENTLY {row['index']};"
            + ("" if row["keeps"] else f"  -- or DROP INDEX CONCURRENTLY {row['index']};"),
            object=row["index"],
        )


def constraints(visit: Visit) -> Iterator[Trouble]:
    """Constraints that hold for new rows only."""
    for row in visit.rows("constraints.sql"):
        yield warning(
            "constraint-unvalidated",
            f"the {row['kind']} {quoted(row['name'])} of {row['table']} was never validated: rows "
            "from before it may break it",
            hint="mend those rows, then validate; it needs no long lock",
            next=f"ALTER TABLE {row['table']} VALIDATE CONSTRAINT {quoted(row['name'])};",
            object=row["table"],
        )


def triggers(visit: Visit) -> Iterator[Trouble]:
    """Triggers and foreign keys that somebody switched off."""
    unkept: dict[str, set[str]] = {}
    for row in visit.rows("triggers.sql"):
        if row["internal"]:
            unkept.setdefault(row["table"], set()).add(str(row["constraint_name"]))
            continue
        yield _sleeping(row)
    for table, names in sorted(unkept.items()):
        yield error(
            "foreign-key-off",
            f"foreign keys of {table} are not kept: their triggers are disabled "
            f"({', '.join(sorted(names))})",
            hint="somebody said DISABLE TRIGGER ALL, for a load perhaps; rows written since then "
            "may point nowhere",
            next=f"ALTER TABLE {table} ENABLE TRIGGER ALL;",
            object=table,
        )


def _sleeping(row: Row) -> Trouble:
    sign_up = row["table"] == "auth.users"
    state = "is disabled" if row["enabled"] == "D" else "fires for replication only"
    effect = "nothing happens when somebody signs up" if sign_up else "what it keeps is not kept"
    return unless(
        sign_up,
        error(
            "trigger-disabled",
            f"the trigger {quoted(row['name'])} of {row['table']} {state}: {effect}",
            hint=f"it calls {row['function']}; find out who disabled it, and mend what was written",
            next=f"ALTER TABLE {row['table']} ENABLE TRIGGER {quoted(row['name'])};",
            object=row["table"],
            area="sign-up" if sign_up else "objects",
        ),
    )


def sequences(visit: Visit) -> Iterator[Trouble]:
    """Sequences whose next value is in the table already: the next insert fails."""
    for row in visit.rows("sequences.sql"):
        if row["readable"]:
            yield from _behind(visit, row)


def _behind(visit: Visit, row: Row) -> Iterator[Trouble]:
    table, sequence = (
        name(row["schema"], row["table"]),
        name(row["sequence_schema"], row["sequence"]),
    )
    best = "max" if row["step"] > 0 else "min"
    found = visit.conn.execute(
        sql.SQL(
            "select (select {best}({column})::bigint from {table}),"
            " case when is_called then last_value + {step} else last_value end from {sequence}"
        ).format(
            best=sql.SQL(best),
            column=sql.Identifier(row["column"]),
            table=ident(table),
            step=sql.Literal(row["step"]),
            sequence=ident(sequence),
        )
    ).fetchone()
    if found is None or found[0] is None:
        return
    top, upcoming = int(str(found[0])), int(str(found[1]))
    if (upcoming > top) if row["step"] > 0 else (upcoming < top):
        return
    set_it = sql.SQL("select setval({}, (select {}({}) from {}));").format(
        sql.Literal(str(sequence)), sql.SQL(best), sql.Identifier(row["column"]), ident(table)
    )
    yield error(
        "sequence-behind-table",
        f"the sequence {sequence} gives {upcoming:,} next, and {table}.{quoted(row['column'])} is "
        f"at {top:,} already: inserts fail with a duplicate key",
        hint="rows were loaded with their numbers; set the sequence behind them",
        next=set_it.as_string(None),
        object=str(sequence),
    )
