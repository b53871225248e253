"""Files and transactions: Prisma and Supabase send a file whole, so that it is one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from postgast import pg_query_pb2 as pb

from repot.folder.rules import tree
from repot.folder.rules.rule import Hit, Rule
from repot.folder.rules.story import Step, Story
from repot.model.finding import Severity

_WORDS = {
    pb.TRANS_STMT_BEGIN: "BEGIN",
    pb.TRANS_STMT_START: "START TRANSACTION",
    pb.TRANS_STMT_COMMIT: "COMMIT",
    pb.TRANS_STMT_ROLLBACK: "ROLLBACK",
    pb.TRANS_STMT_SAVEPOINT: "SAVEPOINT",
    pb.TRANS_STMT_RELEASE: "RELEASE",
    pb.TRANS_STMT_ROLLBACK_TO: "ROLLBACK TO",
    pb.TRANS_STMT_PREPARE: "PREPARE TRANSACTION",
    pb.TRANS_STMT_COMMIT_PREPARED: "COMMIT PREPARED",
    pb.TRANS_STMT_ROLLBACK_PREPARED: "ROLLBACK PREPARED",
}
_ALONE = {
    "vacuum_stmt": "VACUUM",
    "alter_system_stmt": "ALTER SYSTEM",
    "createdb_stmt": "CREATE DATABASE",
    "dropdb_stmt": "DROP DATABASE",
    "create_table_space_stmt": "CREATE TABLESPACE",
    "drop_table_space_stmt": "DROP TABLESPACE",
}


def _own(story: Story) -> Iterator[Hit]:
    """One a file, at its first such statement."""
    files: dict[str, list[Step]] = {}
    for step in story.steps:
        if step.kind == "transaction_stmt":
            files.setdefault(step.place.file, []).append(step)
    for steps in files.values():
        words = [f"{_WORDS.get(s.node.kind, 'its like')} in line {s.place.line}" for s in steps]
        yield Hit(steps[0].place, "the file begins or ends transactions: " + ", ".join(words))


def _concurrently(story: Story) -> Iterator[Hit]:
    for step, word in _in_company(story, _concurrent):
        yield Hit(step.place, f"{word} in a file with other statements", word)


def _alone(story: Story) -> Iterator[Hit]:
    for step, word in _in_company(story, _outside):
        yield Hit(step.place, f"{word} in a file with other statements", word)


def _in_company(story: Story, word: object) -> Iterator[tuple[Step, str]]:
    """Statements that no transaction can hold, in files that hold others too."""
    sizes = Counter(step.place.file for step in story.steps)
    assert callable(word)
    for step in story.steps:
        if sizes[step.place.file] > 1:
            found = word(step)
            if found:
                yield step, found


def _concurrent(step: Step) -> str | None:
    node = step.node
    if step.kind == "index_stmt" and node.concurrent:
        return "CREATE INDEX CONCURRENTLY"
    if step.kind == "drop_stmt" and node.concurrent:
        return "DROP INDEX CONCURRENTLY"
    if step.kind == "reindex_stmt" and any(
        p.def_elem.defname == "concurrently" for p in node.params
    ):
        return "REINDEX CONCURRENTLY"
    if step.kind == "alter_table_stmt" and any(
        c.alter_table_cmd.subtype == pb.AT_DetachPartition
        and getattr(c.alter_table_cmd, "def").partition_cmd.concurrent
        for c in node.cmds
    ):
        return "DETACH PARTITION CONCURRENTLY"
    return None


def _outside(step: Step) -> str | None:
    node = step.node
    if step.kind == "vacuum_stmt":
        return "VACUUM" if node.is_vacuumcmd else None
    if step.kind == "reindex_stmt" and not _concurrent(step):
        whole = node.kind in (pb.REINDEX_OBJECT_SYSTEM, pb.REINDEX_OBJECT_DATABASE)
        return "REINDEX DATABASE" if whole else None
    return _ALONE.get(step.kind)


def _copy(story: Story) -> Iterator[Hit]:
    for step in story.steps:
        node = step.node
        if step.kind == "copy_stmt" and not node.filename and not node.is_program:
            word = "COPY … FROM stdin" if node.is_from else "COPY … TO stdout"
            yield Hit(step.place, f"{word}: the other end is psql's", _table(step))


def _table(step: Step) -> str | None:
    return tree.relation(step.node.relation)[1] or None


RULES = (
    Rule(
        id="own-transaction",
        severity=Severity.ERROR,
        condition="A file has BEGIN, COMMIT, ROLLBACK, SAVEPOINT or another statement of "
        "transactions.",
        effect="The file is sent whole and is a transaction already. A COMMIT in it ends that "
        "one: what stood before stays when a later statement fails, and the history does not say "
        "so; after a BEGIN without COMMIT nothing stays.",
        remedy="take it out; where parts must be committed apart, make each a file of its own",
        bad=("BEGIN;\nCREATE TABLE a (id int PRIMARY KEY);\nCOMMIT;",),
        good=("CREATE TABLE a (id int PRIMARY KEY);",),
        find=_own,
    ),
    Rule(
        id="concurrently-in-transaction",
        severity=Severity.ERROR,
        condition="CREATE, DROP or REINDEX INDEX CONCURRENTLY, or DETACH PARTITION CONCURRENTLY, "
        "stands in a file with other statements.",
        effect="The file fails: it is one transaction, and CONCURRENTLY cannot be in one.",
        remedy="put it into a file of its own, with nothing else in it",
        bad=(
            "CREATE TABLE a (id int PRIMARY KEY, mail text);",
            "ALTER TABLE a ADD COLUMN name text;\nCREATE INDEX CONCURRENTLY a_mail ON a (mail);",
        ),
        good=(
            "CREATE TABLE a (id int PRIMARY KEY, mail text);",
            "ALTER TABLE a ADD COLUMN name text;",
            "CREATE INDEX CONCURRENTLY a_mail ON a (mail);",
        ),
        find=_concurrently,
        fails=True,
    ),
    Rule(
        id="not-in-transaction",
        severity=Severity.ERROR,
        condition="VACUUM, ALTER SYSTEM, CREATE or DROP DATABASE or TABLESPACE, or REINDEX of a "
        "whole database, stands in a file with other statements.",
        effect="The file fails: it is one transaction, and these cannot be in one.",
        remedy="put it into a file of its own; most of these do not belong to a schema's history",
        bad=("CREATE TABLE a (id int PRIMARY KEY);\nVACUUM a;",),
        good=("CREATE TABLE a (id int PRIMARY KEY);", "VACUUM a;"),
        find=_alone,
        fails=True,
    ),
    Rule(
        id="copy-from-stdin",
        severity=Severity.ERROR,
        condition="COPY … FROM stdin, or COPY … TO stdout.",
        effect="The file fails or hangs: the rows follow in psql's own way, and no other client "
        "reads them from a file of statements.",
        remedy="write the rows as INSERT (pg_dump --inserts does)",
        bad=("CREATE TABLE a (id int PRIMARY KEY);\nCOPY a (id) FROM stdin;",),
        good=("CREATE TABLE a (id int PRIMARY KEY);\nINSERT INTO a (id) VALUES (1), (2);",),
        find=_copy,
    ),
)
