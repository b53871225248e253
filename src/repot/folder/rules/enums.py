"""Values of enums."""

from __future__ import annotations

from collections.abc import Iterator

from repot.folder.rules.rule import Hit, Rule
from repot.folder.rules.story import Story
from repot.model.finding import Severity


def _fresh(story: Story) -> Iterator[Hit]:
    for i in story.of("fresh"):
        line = i.other.line if i.other else 0
        yield Hit(
            i.place, f"{i.what} is used in the transaction that adds it (line {line})", i.what
        )


RULES = (
    Rule(
        id="enum-value-too-new",
        severity=Severity.ERROR,
        condition="A value that ALTER TYPE … ADD VALUE adds is used in the same file: as a "
        "default, in a comparison, in rows. (Where the type itself was created in that file, it "
        "may be used.)",
        effect="The file fails: unsafe use of new value; a value can be used only after the "
        "transaction that adds it.",
        remedy="put ADD VALUE into a file of its own, before this one",
        bad=(
            "CREATE TYPE state AS ENUM ('draft', 'sent');\n"
            "CREATE TABLE letter (id int PRIMARY KEY, state state NOT NULL DEFAULT 'draft');",
            "ALTER TYPE state ADD VALUE 'lost';\nUPDATE letter SET state = 'lost' WHERE id = 7;",
        ),
        good=(
            "CREATE TYPE state AS ENUM ('draft', 'sent');\n"
            "CREATE TABLE letter (id int PRIMARY KEY, state state NOT NULL DEFAULT 'draft');",
            "ALTER TYPE state ADD VALUE 'lost';",
            "UPDATE letter SET state = 'lost' WHERE id = 7;",
        ),
        find=_fresh,
        fails=True,
    ),
)
