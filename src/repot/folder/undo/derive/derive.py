"""Every statement of a file back, the last one first; one that has no way back stops it all."""

from __future__ import annotations

from dataclasses import dataclass

from postgast import pg_query_pb2 as pb

from repot.folder.book import Book, Page
from repot.folder.rules import tree
from repot.folder.text import Statement
from repot.folder.undo.derive.alter import undo_alter_enum, undo_alter_table, undo_rename
from repot.folder.undo.derive.create import undo_create
from repot.folder.undo.derive.known import Known, created
from repot.folder.undo.derive.parts import Key, NoWay, key, writes_elsewhere
from repot.model.undo import Step

_NOTHING = (
    "transaction_stmt",
    "variable_set_stmt",
    "variable_show_stmt",
    "explain_stmt",
    "vacuum_stmt",
)
_WRITES = ("insert_stmt", "update_stmt", "delete_stmt", "merge_stmt")
_OF_TABLES = (pb.OBJECT_COLUMN, pb.OBJECT_TABCONSTRAINT, pb.OBJECT_TRIGGER, pb.OBJECT_POLICY)
_WHY = {
    "do_stmt": "what a DO block did cannot be told from its text",
    "drop_stmt": "what was dropped cannot be made again from its name",
    "truncate_stmt": "the rows are gone",
    "select_stmt": "what a function that it calls did cannot be told",
}


@dataclass(frozen=True)
class Refusal:
    """A statement without a way back."""

    line: int
    why: str


def derive(book: Book, page: Page) -> tuple[tuple[Step, ...], tuple[Refusal, ...]]:
    """The steps back, or why there are none: then each statement that is in the way."""
    known = Known()
    for earlier in book.pages:
        if earlier.name == page.name:
            break
        known.learn(earlier.statements)
    own: set[Key] = set()  # what this file has made so far
    steps: list[Step] = []
    refusals: list[Refusal] = []
    for statement in page.statements:
        try:
            texts = _back(statement, known, own)
        except NoWay as why:
            refusals.append(Refusal(statement.line, str(why)))
            texts = []
        steps[:0] = [Step(sql=text, file=page.file, line=statement.line) for text in texts]
        known.one(statement)
        _remember(statement, own)
    return (() if refusals else tuple(steps)), tuple(refusals)


def _back(statement: Statement, known: Known, own: set[Key]) -> list[str]:
    kind, node = statement.kind, statement.node
    if kind in _NOTHING:
        return []
    if kind == "alter_table_stmt":
        return undo_alter_table(node, known, own)
    if kind == "rename_stmt":
        return undo_rename(node)
    if kind == "alter_enum_stmt":
        return undo_alter_enum(node, own)
    if kind in _WRITES:
        if writes_elsewhere(node, own):
            raise NoWay("which rows it wrote, and what they held before, cannot be told")
        return []
    if kind == "alter_seq_stmt" and key(tree.relation(node.sequence)) in own:
        return []
    if kind in ("grant_stmt", "comment_stmt") and _about(statement) and _about(statement) <= own:
        return []
    made = undo_create(statement, known)
    if made is None:
        raise NoWay(_WHY.get(kind, "Repot does not know how to turn it round"))
    return made


def _about(statement: Statement) -> set[Key]:
    """The relations that a GRANT or a COMMENT is about; empty where it is about anything else."""
    node = statement.node
    if statement.kind == "grant_stmt":
        if not all(o.HasField("range_var") for o in node.objects):
            return set()
        return {key(tree.relation(o.range_var)) for o in node.objects}
    if node.object.HasField("type_name"):
        return {key(tree.dotted(node.object.type_name.names))}
    if not node.object.HasField("list"):
        return set()
    items = list(node.object.list.items)
    # What belongs to a table has a name behind the table's.
    return {key(tree.dotted(items[:-1] if node.objtype in _OF_TABLES else items))}


def _remember(statement: Statement, own: set[Key]) -> None:
    """Tables, types and sequences that this file made, under the names that they have now."""
    found = created(statement.kind, statement.node)
    if found is not None and found[0] in ("relation", "type"):
        own.add(found[1])
    node = statement.node
    if statement.kind == "rename_stmt" and node.HasField("relation") and not node.subname:
        old = key(tree.relation(node.relation))
        if old in own:
            own.discard(old)
            own.add((old[0], node.newname))
