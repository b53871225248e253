"""Down scripts: what they lose, and what they cannot do."""

from __future__ import annotations

from collections.abc import Iterator

from repot.folder.rules.rule import Hit, Rule
from repot.folder.rules.story import Incident, Story
from repot.model.finding import Severity


def _of(story: Story, *codes: str) -> Iterator[Incident]:
    return (i for i in story.of(*codes) if i.place.down)


def _rows(story: Story) -> Iterator[Hit]:
    for i in _of(story, "rows-deleted"):
        yield Hit(i.place, f"the way back deletes rows of {i.what}", i.what)


def _data(story: Story) -> Iterator[Hit]:
    for i in _of(story, "dropped"):
        own = i.other is not None and not i.other.down and i.other.page == i.place.page
        if own:
            continue
        whose = f"which {i.other} made" if i.other else "which was there before the migration"
        yield Hit(i.place, f"the way back drops the {i.what}, {whose}", i.what)


def _not_null(story: Story) -> Iterator[Hit]:
    for i in _of(story, "not-null-set", "not-null-added"):
        yield Hit(i.place, f"the way back makes {i.what} NOT NULL", i.what)


def _cannot(story: Story) -> Iterator[Hit]:
    seen = set()
    for i in _of(story, "gone", "early", "unknown", "depended", "twice"):
        if (i.place, i.what) in seen:
            continue
        seen.add((i.place, i.what))
        match i.code:
            case "gone":
                message = f"{i.what} is not there: {i.other} has it {i.detail}"
            case "early":
                message = f"{i.what} is not there yet: only {i.other} creates it"
            case "unknown":
                message = f"there is no {i.what}"
            case "depended":
                message = f"{i.what} cannot be dropped: {i.detail}"
            case _:
                message = f"{i.what} is there already" + (f" ({i.other})" if i.other else "")
        yield Hit(i.place, message, i.what)


_A = "CREATE TABLE a (id int PRIMARY KEY, note text);"
RULES = (
    Rule(
        id="down-deletes-rows",
        severity=Severity.WARNING,
        condition="A down script has DELETE or TRUNCATE.",
        effect="Rows that were written since the migration go, too, unless the condition is as "
        "narrow as the rows that the migration itself wrote.",
        remedy="leave the rows where they are, or name exactly those that the migration inserted; "
        "`repot migrate rollback` counts them and keeps them in an archive",
        bad=(_A, ("ALTER TABLE a ADD COLUMN b int;",
                  "DELETE FROM a WHERE b IS NOT NULL;\nALTER TABLE a DROP COLUMN b;")),
        good=(_A, ("ALTER TABLE a ADD COLUMN b int;", "ALTER TABLE a DROP COLUMN b;")),
        find=_rows,
    ),
    Rule(
        id="down-drops-data",
        severity=Severity.ERROR,
        condition="A down script drops a table or a column that its migration did not make.",
        effect="What was in it before the migration is lost: that is no way back.",
        remedy="drop only what the migration made",
        bad=(_A, ("ALTER TABLE a ADD COLUMN b int;",
                  "ALTER TABLE a DROP COLUMN b;\nALTER TABLE a DROP COLUMN note;")),
        good=(_A, ("ALTER TABLE a ADD COLUMN b int;", "ALTER TABLE a DROP COLUMN b;")),
        find=_data,
    ),
    Rule(
        id="down-sets-not-null",
        severity=Severity.WARNING,
        condition="A down script makes a column NOT NULL that may hold NULLs by then.",
        effect="It fails as soon as one row has been written with a NULL in it.",
        remedy="fill the NULLs first, in the same script",
        bad=(
            "CREATE TABLE a (id int PRIMARY KEY, note text NOT NULL);",
            ("ALTER TABLE a ALTER COLUMN note DROP NOT NULL;",
             "ALTER TABLE a ALTER COLUMN note SET NOT NULL;"),
        ),
        good=(
            "CREATE TABLE a (id int PRIMARY KEY, note text NOT NULL);",
            ("ALTER TABLE a ALTER COLUMN note DROP NOT NULL;",
             "UPDATE a SET note = '' WHERE note IS NULL;\n"
             "ALTER TABLE a ALTER COLUMN note SET NOT NULL;"),
        ),
        find=_not_null,
    ),
    Rule(
        id="down-cannot-run",
        severity=Severity.ERROR,
        condition="A down script names an object that is not there at that point, drops one that "
        "is still needed, or makes one that is there.",
        effect="The way back fails when it is needed.",
        remedy="write it as the reverse of the migration, its last statement first",
        bad=(_A, ("ALTER TABLE a RENAME COLUMN note TO remark;",
                  "ALTER TABLE a RENAME COLUMN note TO remark;")),
        good=(_A, ("ALTER TABLE a RENAME COLUMN note TO remark;",
                   "ALTER TABLE a RENAME COLUMN remark TO note;")),
        find=_cannot,
        fails=True,
    ),
)  # fmt: skip
