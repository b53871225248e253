"""Whether a schema is the same in two databases: by its catalogs and by its rows."""

from __future__ import annotations

from collections import Counter

from psycopg import sql

from repot.demo.result import Equality
from repot.folder.fingerprint import listing
from repot.model.names import Name
from repot.postgres.catalog import read_catalog
from repot.postgres.compose import ident
from repot.postgres.connect import Connection, connection

_HISTORY = "_prisma_migrations"


def compare(one: str, other: str, schema: str) -> Equality:
    """`one` and `other` are connection strings. What Repot itself has put on the tables (capture)
    is left out, and so is the table of the history."""
    with connection(one) as left, connection(other) as right:
        ours, theirs = _listing(left, schema), _listing(right, schema)
        changed = [f"- {line}" for line in ours - theirs] + [f"+ {line}" for line in theirs - ours]
        names = sorted(_tables(left, schema) & _tables(right, schema))
        counts = [_rows(left, right, Name(schema_=schema, name=name)) for name in names]
    return Equality(
        tables=len(names),
        rows=sum(total for total, _ in counts),
        schema_differences=tuple(sorted(changed, key=lambda line: line[2:])),
        row_differences={name: n for name, (_, n) in zip(names, counts, strict=True) if n},
    )


def _listing(conn: Connection, schema: str) -> set[str]:
    begins = sql.Identifier(schema).as_string(conn), schema
    lines = set()
    for line in listing(conn):
        kind, _, rest = line.partition(" ")
        if kind == "rights":
            rest = rest.partition(" ")[2]
        if not rest.startswith(tuple(f"{b}." for b in begins)):
            continue
        if kind == "trigger" and not any(f"EXECUTE FUNCTION {b}." in line for b in begins):
            continue  # Repot's own
        lines.add(line)
    return lines


def _tables(conn: Connection, schema: str) -> set[str]:
    tables = read_catalog(conn, [schema]).in_schema(schema)
    return {t.name.name for t in tables if t.name.name != _HISTORY}


def _rows(left: Connection, right: Connection, table: Name) -> tuple[int, int]:
    """Rows of the one side, and how many rows only one side has; whole rows are compared."""
    query = sql.SQL("select x::text from {} as x").format(ident(table))
    ours, theirs = (Counter(str(row[0]) for row in c.execute(query)) for c in (left, right))
    return ours.total(), (ours - theirs).total() + (theirs - ours).total()
