"""The tables of a plan against those of now.

Renames are found by identity and taken out first, so that `shape.changes`, which compares by name,
tells only what is another besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from repot.engine.drift import keys
from repot.engine.drift.change import Change, Relation, column
from repot.engine.drift.columns import Columns, column_changes, only, with_columns
from repot.engine.swap import shape
from repot.model.catalog import Catalog, ForeignKey, Table
from repot.model.names import Name
from repot.model.plan import Plan
from repot.model.state import Phase


@dataclass(frozen=True)
class _Pair:
    """A table of the plan and what has become of it."""

    relation: Relation
    planned: Table
    now: Table
    names: dict[str, str]  # columns as planned, and as they are called now


class Comparison:
    """Of one plan with the catalogs of now, in one phase of its run."""

    def __init__(
        self, plan: Plan, phase: Phase, known: Sequence[Relation], now: Catalog, columns: Columns
    ) -> None:
        self._plan, self._phase, self._now, self._columns = plan, phase, now, columns
        self._moving = (plan.source_schema, plan.target_schema, plan.retired_schema)
        self._schemas = sides(plan, phase)
        self._known = {relation.planned: relation for relation in known}
        self._filling = phase is Phase.COPYING
        self._retired = {Phase.CUT_OVER: "v1", Phase.ROLLED_BACK: "v2"}.get(phase)
        self._pairs: dict[Name, _Pair] = {}  # by planned name

    def changes(self) -> Iterator[Change]:
        """All of them, by table."""
        for planned in (*self._plan.source.tables, *self._plan.target.tables):
            relation = self._known.get(planned.name)
            if relation is not None:  # else it is not built yet
                yield from self._whole(relation, planned)
        texts = {name: list(self._within(pair)) for name, pair in self._pairs.items()}
        for name, pair in self._pairs.items():
            # What is done to a partitioned table is done to its partitions.
            parent = texts.get(pair.planned.parent, []) if pair.planned.parent else []
            for text in texts[name]:
                if text not in parent:
                    yield Change(f"{pair.now.name}: {text}", self._oids(pair))
            yield from self._shape(pair)
        if self._phase is not Phase.CUT_OVER:  # what is made later goes along with V2
            yield from self._new()

    def _whole(self, relation: Relation, planned: Table) -> Iterator[Change]:
        schema = self._schemas.get(relation.side)
        expected = planned.name.within(schema) if schema else planned.name
        now = self._now.get(relation.now) if relation.now else None
        if now is None:
            again = ", and another table has its name" if self._now.get(expected) else ""
            yield Change(f"{expected} was dropped{again}", (relation.oid,))
            return
        names = self._columns.new_names(relation.oid, planned)
        self._pairs[planned.name] = _Pair(relation, planned, now, names)
        if now.name.name != expected.name:
            yield Change(f"{expected} was renamed to {now.name}", (relation.oid,))
        elif now.name != expected:
            yield Change(f"{expected} was moved to {now.name}", (relation.oid,))

    def _new(self) -> Iterator[Change]:
        known = Catalog(tables=tuple(pair.now for pair in self._pairs.values()))
        for schema in self._schemas.values():
            names = shape.new_tables(known, self._now, schema)
            for table in self._now.in_schema(schema):
                if str(table.name) in names:
                    yield Change(f"{table.name} is new", (table.oid,), "new")

    def _shape(self, pair: _Pair) -> Iterator[Change]:
        planned, now = self._settled(pair), only(pair.now, pair.names)
        found = shape.changes(Catalog(tables=(planned,)), Catalog(tables=(now,)), (), self._moving)
        for text in found:
            yield Change(text, (pair.relation.oid,))

    def _oids(self, pair: _Pair) -> tuple[int, ...]:
        """The table's own, and that of the table whose partition it was planned to be."""
        parent = self._known.get(pair.planned.parent) if pair.planned.parent else None
        return (pair.relation.oid, *([parent.oid] if parent else []))

    def _within(self, pair: _Pair) -> Iterator[str]:
        """What happened inside the table, its name left out."""
        side, now = pair.relation.side, pair.now
        yield from column_changes(pair.planned, now, pair.names, own=side != "outside")
        planned = self._settled(pair)
        yield from self._values(pair, planned)
        if side != "v2" or not self._filling:
            yield from keys.unique_changes(planned, now)
        if side == "outside":
            return
        if side == "v1" or not self._filling:
            gone = self._may_be_gone(side)
            yield from keys.foreign_key_changes(planned, now, may_be_gone=gone)
            yield from keys.check_changes(planned, now, self._moving)
        yield from _place(planned, now)
        yield from _security(planned, now)
        if pair.relation.unlogged:
            yield "the table is UNLOGGED now: a crash would empty it, unseen"

    def _may_be_gone(self, side: str) -> Callable[[ForeignKey], bool]:
        """Foreign keys that Repot itself has taken off the side that does not serve."""
        if side == "v2" and self._phase is not Phase.CUT_OVER:
            inside = self._plan.target_schema
            return lambda key: key.references.schema_ != inside
        if side == self._retired:
            return lambda key: key.on_delete in keys.FORBIDDING
        return lambda _: False

    def _settled(self, pair: _Pair) -> Table:
        """The planned table as it should be now, under the names of now."""
        planned = with_columns(pair.planned, pair.names)
        references = tuple(
            key.model_copy(
                update={
                    "references": self._renamed(key.references),
                    "referenced": self._columns_of(key.references, key.referenced),
                }
            )
            for key in planned.foreign_keys
        )
        update: dict[str, object] = {
            "name": pair.now.name,
            "parent": self._renamed(planned.parent) if planned.parent else None,
            "foreign_keys": references,
        }
        if pair.relation.side == "v2" and self._filling:
            update["primary"] = pair.now.primary  # it comes after the rows
        return planned.model_copy(update=update)

    def _renamed(self, name: Name) -> Name:
        pair = self._pairs.get(name)
        return pair.now.name if pair else name

    def _columns_of(self, table: Name, columns: tuple[str, ...]) -> tuple[str, ...]:
        names = self._pairs[table].names if table in self._pairs else {}
        return tuple(names.get(c, c) for c in columns)

    def _values(self, pair: _Pair, planned: Table) -> Iterator[str]:
        """What gives columns other values, or lets Repot write others, and is no other type."""
        defaulted = {
            pair.names.get(c, c)
            for move in self._plan.moves
            if move.table == pair.planned.name
            for c in move.defaulted
        }
        for was in planned.columns:
            now = pair.now.column(was.name)
            assert now is not None
            what = f"column {column(was.name)}"
            same = self._bare(was.type) == self._bare(now.type)
            if same and self._columns.is_rewritten(pair.relation.oid, was.name):
                yield f"{what} was rewritten (ALTER COLUMN … TYPE): its values may be others"
            if was.deterministic != now.deterministic:
                yield f"{what} has another collation"
            if (was.generated or was.name in defaulted) and (
                self._bare(was.default) != self._bare(now.default)
            ):
                which = "expression" if was.generated else "default"
                yield f"{what}: its {which} was {was.default} and is {now.default}"

    def _bare(self, text: str | None) -> str:
        return keys.bare(text or "", self._moving)


def sides(plan: Plan, phase: Phase) -> dict[str, str]:
    """The schemas in which V1 and V2 are in this phase."""
    if phase is Phase.CUT_OVER:
        return {"v1": plan.retired_schema, "v2": plan.source_schema}
    return {"v1": plan.source_schema, "v2": plan.target_schema}


def _place(planned: Table, now: Table) -> Iterator[str]:
    if planned.parent == now.parent:
        return
    if planned.parent:
        yield f"the table is not a partition of {planned.parent} any more"
    if now.parent:
        yield f"the table is a partition of {now.parent} now"


def _security(planned: Table, now: Table) -> Iterator[str]:
    if planned.row_security != now.row_security:
        yield f"row level security is {'on' if now.row_security else 'off'} now"
    if planned.force_row_security != now.force_row_security:
        forced = "" if now.force_row_security else "not "
        yield f"row level security is {forced}forced on the table's owner now"
