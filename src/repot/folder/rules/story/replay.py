"""The folder told in its order: each statement's needs, then what it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from postgast import pg_query_pb2 as pb

from repot.folder.book import Book
from repot.folder.rules import tree
from repot.folder.rules.story.changes import HANDLERS
from repot.folder.rules.story.shapes import Incident, Place, Sort
from repot.folder.rules.story.step import Step, step
from repot.folder.rules.story.values import uses
from repot.folder.rules.story.world import DEFAULT, World, show
from repot.folder.text import Reading

# The relation that a statement of these kinds makes, and does not need.
_MAKES: dict[str, Callable[[Any], Any]] = {
    "create_stmt": lambda node: node.relation,
    "create_foreign_table_stmt": lambda node: node.base_stmt.relation,
    "view_stmt": lambda node: node.view,
    "create_table_as_stmt": lambda node: node.into.rel,
    "select_stmt": lambda node: node.into_clause.rel,
    "create_seq_stmt": lambda node: node.sequence,
    "composite_type_stmt": lambda node: node.typevar,
}
_UNLESS = {"create_stmt", "create_table_as_stmt", "create_seq_stmt"}
_FORGIVING = {"alter_table_stmt", "rename_stmt", "alter_object_schema_stmt", "alter_seq_stmt"}


@dataclass(frozen=True)
class Story:
    """The folder's statements with what they mention, what went wrong, and how it ends."""

    book: Book
    steps: tuple[Step, ...]
    incidents: tuple[Incident, ...]
    end: World

    def of(self, *codes: str) -> Iterator[Incident]:
        """The incidents of these codes."""
        return (i for i in self.incidents if i.code in codes)


def tell(book: Book) -> Story:
    """Follow the folder from its first statement to its last, and each way back from its page."""
    world = World()
    steps: list[Step] = []
    for number, page in enumerate(book.pages):
        steps += _read(world, page.up, number, down=False)
        if page.down is not None:
            steps += _read(world.fork(), page.down, number, down=True)
    for places in world.waiting_columns.values():
        for place, what, whole in places:
            if whole:
                world.tell("unknown", place, what)
    return Story(book, tuple(steps), tuple(world.incidents), world)


def _read(world: World, reading: Reading, page: int, down: bool) -> list[Step]:
    world.path, world.bodies_checked = DEFAULT, True
    world.begin()
    if reading.troubles:
        world.cloud(reading.script.text)
    steps = []
    for statement in reading.statements:
        place = Place(page, statement.number, reading.script.file, statement.line, down)
        one = step(place, statement, world.bodies_checked)
        steps.append(one)
        _perform(world, one)
    return steps


def _perform(world: World, one: Step) -> None:
    _needs(world, one)
    for enum, value, added in world.fresh:
        if uses(world, one, enum, value):
            world.tell("fresh", one.place, f"{show(world.types[enum].key)} '{value}'", added)
    handler = HANDLERS.get(one.kind)
    if handler is not None:
        handler(world, one)


def _needs(world: World, one: Step) -> None:
    if one.kind in ("drop_stmt", "do_stmt"):
        return  # what a DROP needs it asks for itself: IF EXISTS is for each of its objects
    node = one.node
    if one.kind in _FORGIVING and node.missing_ok:
        return
    made = _MAKES.get(one.kind)
    own = tree.relation(made(node)) if made else None
    soft = one.kind in _UNLESS and node.if_not_exists
    if soft and own and world.exists(Sort.RELATION, world.target(own)):
        return  # nothing happens
    if one.kind == "alter_table_stmt" and all(_idle(world, node, c) for c in node.cmds):
        asked_types: tuple[Any, ...] = ()
    else:
        asked_types = one.types
    asked: set[tuple[Sort, tree.Key]] = set()
    for range_var in one.ranges:
        name = tree.relation(range_var)
        if name != own:
            asked.add((Sort.RELATION, name))
    asked |= {(Sort.TYPE, tree.dotted(t.names)) for t in asked_types if not t.pct_type}
    asked |= {(Sort.FUNCTION, tree.dotted(c.funcname)) for c in one.calls}
    for sort, name in sorted(asked, key=str):
        if name[0] not in ("pg_catalog", "information_schema") and name[1]:
            world.use(sort, name, one.place)
    schema = own[0] if own else None
    if schema and schema != "pg_temp":
        world.use(Sort.SCHEMA, (None, schema), one.place)


def _idle(world: World, node: Any, wrapped: Any) -> bool:
    """ADD COLUMN IF NOT EXISTS of one that exists: its type is not even looked for."""
    command = wrapped.alter_table_cmd
    table = world.find(tree.relation(node.relation))
    if command.subtype != pb.AT_AddColumn or not command.missing_ok or table is None:
        return False
    return getattr(command, "def").column_def.colname in table.columns
