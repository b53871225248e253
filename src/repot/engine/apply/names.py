"""What the run's tables are called now: one round trip for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from repot.model.errors import RepotError
from repot.model.names import Name
from repot.postgres.connect import Connection


class Names(Mapping[Name, Name]):
    """From the plan's name to the present one.

    Raises RepotError `relation-gone` for a table that is not there.
    """

    def __init__(self, conn: Connection, run_id: int) -> None:
        rows = conn.execute(
            "select r.schema, r.name, n.nspname, c.relname from repot.relation r"
            " join pg_catalog.pg_class c on c.oid = r.oid"
            " join pg_catalog.pg_namespace n on n.oid = c.relnamespace where r.run = %s",
            (run_id,),
        ).fetchall()
        self._names = {
            Name(schema_=str(a), name=str(b)): Name(schema_=str(c), name=str(d))
            for a, b, c, d in rows
        }

    def __getitem__(self, planned: Name) -> Name:
        found = self._names.get(planned)
        if found is None:
            raise RepotError(
                "relation-gone",
                f"{planned} is not there any more, or the run knows no such table",
                hint="somebody dropped it, or this is another database: `repot status` shows the "
                "run",
            )
        return found

    def __contains__(self, planned: object) -> bool:
        return planned in self._names

    def __iter__(self) -> Iterator[Name]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
