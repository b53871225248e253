"""Whether the side that comes has, under the same names, all that an outside object needs."""

from __future__ import annotations

from repot.engine.swap.dependents import Dependent, Need
from repot.engine.swap.publications import columns_of
from repot.engine.swap.sql import load
from repot.engine.swap.survey import Survey
from repot.engine.swap.things import PG_CLASS
from repot.postgres.connect import Connection


class Namesakes:
    """Asks the catalogs once; `lacking` answers from memory."""

    def __init__(self, conn: Connection, swap: Survey) -> None:
        self._swap = swap
        self._going = {t.key: t for t in swap.outgoing}
        self._staying = {t.key for t in swap.staying}
        relations = [t.oid for t in swap.incoming if t.is_relation]
        self._columns = columns_of(conn, relations)
        self._keys: dict[int, list[frozenset[str]]] = {}
        for oid, columns in conn.execute(load("unique_keys.sql"), {"oids": relations}).fetchall():
            assert isinstance(columns, list)
            self._keys.setdefault(int(str(oid)), []).append(frozenset(columns))
        where = swap.direction
        self._sequences: dict[int, str] = {}
        self._coming_sequences: set[str] = set()
        for oid, schema, name in conn.execute(
            load("sequence_names.sql"), {"front": where.front, "waiting": where.waiting}
        ).fetchall():
            if schema == where.waiting:
                self._coming_sequences.add(str(name))
            else:
                self._sequences[int(str(oid))] = str(name)

    def lacking(self, dependent: Dependent) -> list[str]:
        """What it needs and the coming side has not; empty if it can be made anew by its text."""
        missing = [text for need in dependent.needs if (text := self._lacks(need))]
        if dependent.kind == "foreign key" and not missing:
            missing += self._no_key(dependent)
        return list(dict.fromkeys(missing))

    def _lacks(self, need: Need) -> str | None:
        thing = self._going.get(need.key)
        if thing is None:
            return self._lacks_sequence(need)
        namesake = self._swap.namesake(thing)
        if namesake is None:
            kind = "table" if thing.kind in ("r", "p") else thing.type
            return f"{kind} {thing.full_name if thing.is_relation else thing.identity}"
        if need.column and need.column not in self._columns.get(namesake.oid, ()):
            return f"column {need.column} of {thing.full_name}"
        return None

    def _lacks_sequence(self, need: Need) -> str | None:
        """A sequence that goes with its table."""
        name = self._sequences.get(need.key[1]) if need.key[0] == PG_CLASS else None
        if name is None or need.key in self._staying or name in self._coming_sequences:
            return None
        return f"sequence {name}"

    def _no_key(self, dependent: Dependent) -> list[str]:
        for key in {need.key for need in dependent.needs if need.key in self._going}:
            thing = self._going[key]
            namesake = self._swap.namesake(thing)
            columns = frozenset(n.column for n in dependent.needs if n.key == key and n.column)
            if namesake and columns and columns not in self._keys.get(namesake.oid, ()):
                listed = ", ".join(sorted(columns))
                return [f"a unique key on ({listed}) of {thing.full_name}"]
        return []
