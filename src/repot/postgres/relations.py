"""Tables by identity: their names change at the cutover, their oids do not."""

from __future__ import annotations

from repot.model.errors import RepotError
from repot.model.names import Name
from repot.postgres.connect import Connection


def current(conn: Connection, oid: int) -> Name:
    """The name that the relation `oid` has now; RepotError `relation-gone` if there is none."""
    row = conn.execute(
        "select n.nspname, c.relname from pg_catalog.pg_class c"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = %s",
        (oid,),
    ).fetchone()
    if row is None:
        raise RepotError(
            "relation-gone",
            f"a table that the run works on (oid {oid}) is not there any more",
            hint="somebody dropped it, or this is another database: `repot status` shows the run",
        )
    return Name(schema_=str(row[0]), name=str(row[1]))


def oid_of(conn: Connection, name: Name) -> int | None:
    """The oid of the relation with this name now, or None."""
    row = conn.execute(
        "select c.oid::bigint from pg_catalog.pg_class c join pg_catalog.pg_namespace n"
        " on n.oid = c.relnamespace where n.nspname = %s and c.relname = %s",
        (name.schema_, name.name),
    ).fetchone()
    return int(str(row[0])) if row else None


def remember(conn: Connection, run: int, side: str, name: Name, oid: int) -> None:
    """Note that `name` (as in the plan) is the relation `oid`; side: v1, v2 or outside."""
    conn.execute(
        "insert into repot.relation (run, side, schema, name, oid) values (%s, %s, %s, %s, %s)"
        " on conflict (run, side, schema, name) do update set oid = excluded.oid",
        (run, side, name.schema_, name.name, oid),
    )


def relation_oid(conn: Connection, run: int, planned: Name) -> int:
    """The oid of the table that the plan calls `planned`."""
    row = conn.execute(
        "select oid::bigint from repot.relation where run = %s and schema = %s and name = %s",
        (run, planned.schema_, planned.name),
    ).fetchone()
    if row is None:
        raise RepotError(
            "relation-unknown",
            f"the run knows no table {planned}",
            hint="run `repot copy` first: it builds V2 and notes its tables",
        )
    return int(str(row[0]))


def now(conn: Connection, run: int, planned: Name) -> Name:
    """What the table that the plan calls `planned` is called now."""
    return current(conn, relation_oid(conn, run, planned))
