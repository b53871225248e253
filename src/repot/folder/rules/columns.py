"""Columns added and made NOT NULL, as far as the text tells; the data have rules of their own."""

from __future__ import annotations

from collections.abc import Iterator

from repot.folder.rules.rule import Hit, Rule
from repot.folder.rules.story import Story
from repot.model.finding import Severity


def _added(story: Story) -> Iterator[Hit]:
    for i in story.of("not-null-added"):
        if not i.place.down:
            message = f"the column {i.what} is added as NOT NULL without a default"
            yield Hit(i.place, message, i.what)


RULES = (
    Rule(
        id="not-null-without-default",
        severity=Severity.WARNING,
        condition="ADD COLUMN … NOT NULL without a default, on a table of an earlier file.",
        effect="Where the table has rows, the file fails: they would have no value in it.",
        remedy="add the column without NOT NULL, fill it, then SET NOT NULL; or give a default",
        bad=(
            "CREATE TABLE a (id int PRIMARY KEY);\nINSERT INTO a VALUES (1);",
            "ALTER TABLE a ADD COLUMN slug text NOT NULL;",
        ),
        good=(
            "CREATE TABLE a (id int PRIMARY KEY);\nINSERT INTO a VALUES (1);",
            "ALTER TABLE a ADD COLUMN slug text;\n"
            "UPDATE a SET slug = 'a-' || id;\n"
            "ALTER TABLE a ALTER COLUMN slug SET NOT NULL;",
        ),
        find=_added,
        fails=True,
    ),
)
