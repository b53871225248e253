"""How a file has to be run: as one transaction, or statement by statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from repot.folder.attempts import STEPS, WHOLE
from repot.folder.book import Page
from repot.folder.text import Statement

_DIRECTIVE = re.compile(r"\s*--\s*repot:\s*no-transaction\b", re.IGNORECASE)
_ENDS = re.compile(r"\b(commit|rollback)\b", re.IGNORECASE)

# By the parser's names: statements that the server refuses in a transaction, whatever they say.
_ALWAYS = {
    "createdb_stmt": "CREATE DATABASE",
    "dropdb_stmt": "DROP DATABASE",
    "create_table_space_stmt": "CREATE TABLESPACE",
    "drop_table_space_stmt": "DROP TABLESPACE",
    "alter_system_stmt": "ALTER SYSTEM",
    "create_subscription_stmt": "CREATE SUBSCRIPTION",
    "drop_subscription_stmt": "DROP SUBSCRIPTION",
}
_BEGIN = {"TRANS_STMT_BEGIN", "TRANS_STMT_START"}
_END = {"TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK", "TRANS_STMT_PREPARE"}
_OTHER = {"TRANS_STMT_COMMIT_PREPARED", "TRANS_STMT_ROLLBACK_PREPARED"}


class Kind(Enum):
    """of a unit"""

    PLAIN = "plain"  # one statement, in a transaction of its own
    OWN = "own"  # the file's own BEGIN … COMMIT
    ALONE = "alone"  # a statement that is no part of a transaction


@dataclass(frozen=True)
class Unit:
    """Statements that are committed together."""

    kind: Kind
    statements: tuple[Statement, ...]

    @property
    def last(self) -> int:
        """The number of its last statement."""
        return self.statements[-1].number


@dataclass(frozen=True)
class Way:
    """mode: WHOLE or STEPS; why: what needs STEPS; begin: the file's own BEGIN around all of it."""

    mode: str
    why: str | None = None
    begin: Statement | None = None
    body: tuple[Statement, ...] = ()
    units: tuple[Unit, ...] = ()


def way(page: Page) -> Way:
    """One transaction, unless the file says or needs otherwise."""
    statements = page.statements
    declared = no_transaction(page.migration.up.text)
    begin = None
    body = statements
    if not declared and len(statements) >= 2 and _wrapped(statements):
        begin, body = statements[0], statements[1:-1]
    why = "the file says no-transaction" if declared else _needs(body)
    # Sent alone it is in no transaction of others, with Prisma too.
    single = len(statements) == 1 and _may_commit(statements[0])
    if single and why is None:
        why = "it may end transactions within itself"
    if why is None:
        return Way(WHOLE, None, begin, body)
    return Way(STEPS, why, None, statements, tuple(_units(statements, declared or single)))


def no_transaction(text: str) -> bool:
    """Whether the file's first line is the comment `-- repot: no-transaction`."""
    return bool(_DIRECTIVE.match(text))


def alone(statement: Statement) -> str | None:
    """What of the statement cannot be part of a transaction; None where all of it can."""
    node: Any = statement.node
    match statement.kind:
        case "index_stmt" if node.concurrent:
            return "CREATE INDEX CONCURRENTLY"
        case "drop_stmt" if node.concurrent:
            return "DROP INDEX CONCURRENTLY"
        case "reindex_stmt" if any(p.def_elem.defname == "concurrently" for p in node.params):
            return "REINDEX CONCURRENTLY"
        case "reindex_stmt" if _name(node, "kind") not in (
            "REINDEX_OBJECT_INDEX",
            "REINDEX_OBJECT_TABLE",
        ):
            return "REINDEX of a whole schema or database"
        case "vacuum_stmt" if node.is_vacuumcmd:
            return "VACUUM"
        case "cluster_stmt" if not node.HasField("relation"):
            return "CLUSTER of all tables"
        case "discard_stmt" if _name(node, "target") == "DISCARD_ALL":
            return "DISCARD ALL"
        case "alter_table_stmt" if any(_detaches(c.alter_table_cmd) for c in node.cmds):
            return "DETACH PARTITION CONCURRENTLY"
        case "alter_database_stmt" if any(o.def_elem.defname == "tablespace" for o in node.options):
            return "ALTER DATABASE … SET TABLESPACE"
        case "transaction_stmt" if _transaction(statement) in _OTHER:
            return "a prepared transaction's end"
    return _ALWAYS.get(statement.kind)


def sets_session(statement: Statement) -> bool:
    """Whether it is a SET that outlives its transaction: a later attempt needs it again."""
    return statement.kind == "variable_set_stmt" and not statement.node.is_local


def _detaches(command: Any) -> bool:
    return _name(command, "subtype") == "AT_DetachPartition" and bool(
        command.HasField("def") and getattr(command, "def").partition_cmd.concurrent
    )


def _wrapped(statements: tuple[Statement, ...]) -> bool:
    """The whole file is one BEGIN … COMMIT."""
    last = statements[-1]
    return (
        _transaction(statements[0]) in _BEGIN
        and _transaction(last) == "TRANS_STMT_COMMIT"
        and not last.node.chain
    )


def _needs(statements: tuple[Statement, ...]) -> str | None:
    for statement in statements:
        found = alone(statement)
        if found is not None:
            return f"{found} (line {statement.line}) cannot be part of a transaction"
        if _transaction(statement) in _BEGIN | _END:
            return f"it begins or ends transactions itself (line {statement.line})"
    return None


def _units(statements: tuple[Statement, ...], declared: bool) -> list[Unit]:
    units: list[Unit] = []
    own: list[Statement] = []
    for statement in statements:
        said = _transaction(statement)
        if own:
            own.append(statement)
            if said in _END and not statement.node.chain:
                units.append(Unit(Kind.OWN, tuple(own)))
                own = []
        elif said in _BEGIN:
            own = [statement]
        else:
            plain = said is None and alone(statement) is None
            kind = Kind.PLAIN if plain else Kind.ALONE
            if declared and _may_commit(statement):
                kind = Kind.ALONE
            units.append(Unit(kind, (statement,)))
    if own:  # never ended: Repot commits it
        units.append(Unit(Kind.OWN, tuple(own)))
    return units


def _may_commit(statement: Statement) -> bool:
    """A procedure or a block that may end transactions within itself."""
    return statement.kind == "call_stmt" or (
        statement.kind == "do_stmt" and bool(_ENDS.search(statement.text))
    )


def ends(statement: Statement) -> bool:
    """Whether it ends a transaction for good."""
    return _transaction(statement) in _END and not statement.node.chain


def commits(statement: Statement) -> bool:
    """Whether it is a COMMIT."""
    return _transaction(statement) == "TRANS_STMT_COMMIT"


def _transaction(statement: Statement) -> str | None:
    return _name(statement.node, "kind") if statement.kind == "transaction_stmt" else None


def _name(node: Any, field: str) -> str:
    """An enum field's value by its name."""
    values = node.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
    return str(values[getattr(node, field)].name)
