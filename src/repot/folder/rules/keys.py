"""Keys and indexes that do not do what they seem to, as the folder leaves them at its end."""

from __future__ import annotations

from collections.abc import Iterator

from repot.folder.rules.rule import Hit, Rule
from repot.folder.rules.story import Story
from repot.folder.rules.story.shapes import Constraint, Index, Place, Relation
from repot.folder.rules.story.world import World, show
from repot.model.finding import Severity

_ACTIONS = {"n": "SET NULL", "d": "SET DEFAULT"}


def _set_null(story: Story) -> Iterator[Hit]:
    for table, one in _foreign(story.end):
        for word, action, names in (
            ("ON DELETE", one.on_delete, one.set_columns or one.columns),
            ("ON UPDATE", one.on_update, one.columns),
        ):
            if action not in _ACTIONS:
                continue
            for name in names:
                column = table.columns.get(name)
                if column is None or not column.not_null:
                    continue
                if action == "d" and column.default:
                    continue
                message = (
                    f"the foreign key {one.name} of {show(table.key)} has {word} "
                    f"{_ACTIONS[action]}, and its column {name} is NOT NULL"
                )
                place = max(one.place, column.place)
                yield Hit(place, message, f"{show(table.key)}.{name}")


def _foreign(world: World) -> Iterator[tuple[Relation, Constraint]]:
    for table in world.relations.values():
        for one in table.constraints:
            if one.kind == "foreign":
                yield table, one


def _nulls(story: Story) -> Iterator[Hit]:
    world = story.end
    for table in _tables(world):
        uniques = [i for _, _, i in _indexes(world, table) if i.unique]
        for name, place, index in _indexes(world, table):
            if not index.unique or index.nulls_not_distinct or index.made_by == "primary":
                continue
            open_ = [
                c
                for c, plain in zip(index.elements, index.plain, strict=True)
                if plain
                and c in table.columns
                and not table.columns[c].not_null
                and c not in index.where_names
                and not _covered(index, c, uniques)
            ]
            if not open_:
                continue
            columns = ", ".join(open_)
            message = (
                f"{name} is unique over {', '.join(index.elements)}, and {columns} may be NULL: "
                "rows with a NULL there are never equal"
            )
            alone = len(index.elements) == 1
            yield Hit(place, message, name, Severity.INFO if alone else Severity.WARNING)


def _covered(index: Index, column: str, uniques: list[Index]) -> bool:
    """Whether a second unique index cares for the rows in which the column is NULL."""
    rest = set(index.elements) - {column}
    return any(column in u.where_null and set(u.elements) <= rest for u in uniques)


def _repeated(story: Story) -> Iterator[Hit]:
    world = story.end
    for table in _tables(world):
        indexes = list(_indexes(world, table))
        for at, (name, place, index) in enumerate(indexes):
            for before, (other, other_place, longer) in enumerate(indexes):
                if before == at or not _holds(longer, index, same_wins=before < at):
                    continue
                where = max(place, other_place)
                message = (
                    f"the index {name} of {show(table.key)} repeats {other}, which has the same "
                    f"leading columns ({', '.join(index.elements)})"
                )
                yield Hit(where, message, name)
                break


def _holds(longer: Index, index: Index, same_wins: bool) -> bool:
    """Whether all that the index can do the longer one can, too."""
    size = len(index.elements)
    if index.method != "btree" or longer.method != "btree":
        return _same(longer, index) and same_wins and index.method == longer.method
    leading = (
        longer.elements[:size] == index.elements
        and longer.how[:size] == index.how
        and longer.where == index.where
        and set(index.include) <= set(longer.include) | set(longer.elements)
    )
    if not leading:
        return False
    if len(longer.elements) > size:
        return not index.unique
    if longer.unique == index.unique:
        stronger = _RANK[longer.made_by] - _RANK[index.made_by]
        same = longer.nulls_not_distinct == index.nulls_not_distinct
        return same and (stronger > 0 or (stronger == 0 and same_wins))
    return longer.unique


_RANK = {"index": 0, "exclude": 0, "unique": 1, "primary": 2}


def _same(one: Index, other: Index) -> bool:
    return (one.elements, one.how, one.where, one.include, one.made_by) == (
        (other.elements, other.how, other.where, other.include, other.made_by)
    )


def _tables(world: World) -> Iterator[Relation]:
    return (r for r in world.relations.values() if r.indexes)


def _indexes(world: World, table: Relation) -> Iterator[tuple[str, Place, Index]]:
    for number in table.indexes:
        relation = world.relations.get(number)
        if relation is not None and relation.index is not None and relation.made is not None:
            yield relation.key[1], relation.made, relation.index


_BRAND = "CREATE TABLE brand (id int PRIMARY KEY);\n"
RULES = (
    Rule(
        id="set-null-not-null",
        severity=Severity.ERROR,
        condition="A foreign key says ON DELETE (or ON UPDATE) SET NULL, or SET DEFAULT without a "
        "default, and at the end of the folder its column is NOT NULL.",
        effect="No row that is referred to can be deleted: each DELETE fails on the NOT NULL of "
        "the other table.",
        remedy="ON DELETE CASCADE or RESTRICT, or DROP NOT NULL on the column",
        bad=(
            _BRAND + "CREATE TABLE product (id int PRIMARY KEY, brand int NOT NULL,\n"
            "  FOREIGN KEY (brand) REFERENCES brand (id) ON DELETE SET NULL);",
        ),
        good=(
            _BRAND + "CREATE TABLE product (id int PRIMARY KEY, brand int,\n"
            "  FOREIGN KEY (brand) REFERENCES brand (id) ON DELETE SET NULL);",
        ),
        find=_set_null,
        lasting=True,
    ),
    Rule(
        id="unique-over-nulls",
        severity=Severity.WARNING,
        condition="A unique index or key has a column that may be NULL, without NULLS NOT "
        "DISTINCT, without a predicate about that column, and no second unique index is there for "
        "the rows in which it is NULL. (Of a single column: an information, it is often meant.)",
        effect="Rows that are equal but for the NULL go in as often as you like.",
        remedy="UNIQUE NULLS NOT DISTINCT (PostgreSQL 15 and later), NOT NULL on the columns, or "
        "a second unique index over the others WHERE … IS NULL",
        bad=(
            "CREATE TABLE a (id int PRIMARY KEY, brand int, slug text NOT NULL,\n"
            "  UNIQUE (brand, slug));",
        ),
        good=(
            "CREATE TABLE a (id int PRIMARY KEY, brand int, slug text NOT NULL,\n"
            "  UNIQUE NULLS NOT DISTINCT (brand, slug));",
            "CREATE TABLE b (id int PRIMARY KEY, brand int, slug text NOT NULL,\n"
            "  UNIQUE (brand, slug));\n"
            "CREATE UNIQUE INDEX b_no_brand ON b (slug) WHERE brand IS NULL;",
        ),
        find=_nulls,
        lasting=True,
    ),
    Rule(
        id="index-repeated",
        severity=Severity.WARNING,
        condition="An index has the same columns as another of the table, or they are the first "
        "ones of another's.",
        effect="Each write keeps both; no query needs the shorter one.",
        remedy="drop the one that is repeated",
        bad=(
            "CREATE TABLE a (id int PRIMARY KEY, brand int NOT NULL, slug text NOT NULL,\n"
            "  UNIQUE (brand, slug));",
            "CREATE INDEX a_brand ON a (brand);",
        ),
        good=(
            "CREATE TABLE a (id int PRIMARY KEY, brand int NOT NULL, slug text NOT NULL,\n"
            "  UNIQUE (brand, slug));",
            "CREATE INDEX a_slug ON a (slug);",
        ),
        find=_repeated,
        lasting=True,
    ),
)
