"""Objects followed through the folder: what is used too early, too late, or made twice."""

from __future__ import annotations

from collections.abc import Iterator

from repot.folder.rules.rule import Hit, Rule, doubtful
from repot.folder.rules.story import Incident, Story
from repot.model.finding import Severity


def _first(incidents: Iterator[Incident]) -> Iterator[Incident]:
    """One a statement and object, although a statement may mention it often."""
    seen = set()
    for one in incidents:
        key = (one.place, one.what, one.detail)
        if key not in seen:
            seen.add(key)
            yield one


def _early(story: Story) -> Iterator[Hit]:
    for i in _first(story.of("early")):
        if i.place.down:
            continue  # the ways back have a rule of their own
        message = f"{i.what} is used here, and only {i.other} creates it"
        yield Hit(i.place, message, i.what, doubtful(i))


def _gone(story: Story) -> Iterator[Hit]:
    for i in _first(story.of("gone")):
        if not i.place.down:
            yield Hit(i.place, f"{i.what} is used here, and {i.other} has it {i.detail}", i.what)


def _twice(story: Story) -> Iterator[Hit]:
    for i in _first(story.of("twice")):
        if not i.place.down:
            where = f", as {i.other} has it" if i.other else ""
            yield Hit(i.place, f"{i.what} is there already{where}", i.what)


def _unknown(story: Story) -> Iterator[Hit]:
    for i in _first(story.of("unknown")):
        if not i.place.down:
            yield Hit(i.place, f"there is no {i.what}: no file before this one makes it", i.what)


def _depended(story: Story) -> Iterator[Hit]:
    for i in _first(story.of("depended")):
        if not i.place.down:
            where = f" ({i.other})" if i.other else ""
            yield Hit(
                i.place, f"{i.what} cannot be dropped: {i.detail}{where}", i.what, doubtful(i)
            )


RULES = (
    Rule(
        id="used-before-created",
        severity=Severity.ERROR,
        condition="A table, view, type, function, schema or column is used before the statement "
        "of the folder that creates it, in the same file or in a later one.",
        effect="On an empty database (a new one, Prisma's shadow database, a preview branch) the "
        "file fails: the object does not exist.",
        remedy="give the file that creates it the earlier timestamp, or move the statement behind "
        "it; where the files are applied already, give the order in order.txt",
        bad=(
            'CREATE TABLE "Order" (id int PRIMARY KEY, "userId" int REFERENCES "User" (id));',
            'CREATE TABLE "User" (id int PRIMARY KEY);',
        ),
        good=(
            'CREATE TABLE "User" (id int PRIMARY KEY);',
            'CREATE TABLE "Order" (id int PRIMARY KEY, "userId" int REFERENCES "User" (id));',
        ),
        find=_early,
        fails=True,
    ),
    Rule(
        id="used-after-dropped",
        severity=Severity.ERROR,
        condition="A table, view, type, function, schema, column or constraint is used after a "
        "statement of the folder that drops or renames it.",
        effect="The file fails: the object does not exist.",
        remedy="use its new name, or take the statement out",
        bad=(
            "CREATE TABLE customer (id int PRIMARY KEY, mail text);",
            "ALTER TABLE customer RENAME TO client;",
            "CREATE INDEX customer_mail ON customer (mail);",
        ),
        good=(
            "CREATE TABLE customer (id int PRIMARY KEY, mail text);",
            "ALTER TABLE customer RENAME TO client;",
            "CREATE INDEX customer_mail ON client (mail);",
        ),
        find=_gone,
        fails=True,
    ),
    Rule(
        id="created-twice",
        severity=Severity.ERROR,
        condition="A table, view, index, type, function, column, constraint, trigger or policy is "
        "created although the folder created it before, and nothing dropped it.",
        effect="The file fails: the object exists already.",
        remedy="take the second one out; where databases differ, write IF NOT EXISTS (or, where "
        "there is no such thing, DROP … IF EXISTS first)",
        bad=(
            "CREATE TABLE tag (id int PRIMARY KEY, name text);",
            "ALTER TABLE tag ADD COLUMN name text;",
        ),
        good=(
            "CREATE TABLE tag (id int PRIMARY KEY, name text);",
            "ALTER TABLE tag ADD COLUMN IF NOT EXISTS name text;",
        ),
        find=_twice,
        fails=True,
    ),
    Rule(
        id="column-unknown",
        severity=Severity.ERROR,
        condition="A column is indexed, altered, written or referred to that the table, all of "
        "which the folder created, does not have.",
        effect="The file fails: the column does not exist.",
        remedy="write the column's name as it was created; names in quotes keep their capitals",
        bad=(
            'CREATE TABLE product (id int PRIMARY KEY, "brandId" int);',
            "CREATE INDEX product_brand ON product (brandId);",
        ),
        good=(
            'CREATE TABLE product (id int PRIMARY KEY, "brandId" int);',
            'CREATE INDEX product_brand ON product ("brandId");',
        ),
        find=_unknown,
        fails=True,
    ),
    Rule(
        id="drop-in-the-way",
        severity=Severity.ERROR,
        condition="A table, column, type or index is dropped without CASCADE while a foreign key, "
        "a view, a column or a constraint still needs it.",
        effect="The file fails: other objects depend on it.",
        remedy="drop what needs it first, by its name; CASCADE would drop it unseen",
        bad=(
            "CREATE TABLE brand (id int PRIMARY KEY);\n"
            "CREATE TABLE product (id int PRIMARY KEY, brand int REFERENCES brand (id));",
            "DROP TABLE brand;",
        ),
        good=(
            "CREATE TABLE brand (id int PRIMARY KEY);\n"
            "CREATE TABLE product (id int PRIMARY KEY, brand int REFERENCES brand (id));",
            "ALTER TABLE product DROP CONSTRAINT product_brand_fkey;\nDROP TABLE brand;",
        ),
        find=_depended,
        fails=True,
    ),
)
