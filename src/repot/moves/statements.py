"""User files as statements: what a file may hold, checked before any of it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import postgast
from psycopg import sql

from repot.model.finding import Finding, error
from repot.model.project import SqlFile
from repot.postgres.compose import trusted

# Functions whose answer changes with the moment or the session: a view with one of them never
# equals its table. Volatile functions are found in pg_proc; these are merely "stable" there.
MOMENT_FUNCTIONS = frozenset(
    {
        *("now", "transaction_timestamp", "statement_timestamp", "current_setting"),
        *("txid_current", "pg_current_xact_id", "pg_backend_pid"),
        # words of SQL itself, as the parser names them
        *("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"),
        *("current_time_n", "current_timestamp_n", "localtime_n", "localtimestamp_n"),
        *("current_role", "current_user", "user", "session_user"),
        *("current_catalog", "current_schema"),
    }
)


@dataclass(frozen=True)
class Statement:
    """One statement of a file; `line` counts from 1."""

    kind: str
    line: int
    node: Any


def query_of(text: str) -> sql.SQL:
    """A user's SELECT as a part of a statement: without the semicolon at its end."""
    return trusted(text.strip().rstrip(";"))


def why_no_query(file: SqlFile) -> str | None:
    """Why the file is not one SELECT; None if it is."""
    statements, findings = parse(file)
    if findings:
        return findings[0].message
    if len(statements) != 1 or statements[0].kind != "select_stmt":
        return "it must be exactly one SELECT"
    return None


def line_at(text: str, byte: int) -> int:
    """The line (from 1) of a byte offset in `text`."""
    return text.encode()[:byte].count(b"\n") + 1


def line_of(text: str, token: str) -> int | None:
    """The first line that holds `token`, whatever its case; None if there is none."""
    for number, line in enumerate(text.splitlines(), 1):
        if token.lower() in line.split("--")[0].lower():
            return number
    return None


def parse(file: SqlFile) -> tuple[list[Statement], list[Finding]]:
    """The file's statements, or the finding that says where it is not SQL."""
    try:
        tree = postgast.parse(file.text)
    except postgast.PgQueryError as wrong:
        at = max(wrong.cursorpos - 1, 0)  # the parser counts characters here, bytes elsewhere
        line = file.text.count("\n", 0, at) + 1
        cause = _likely_cause(file.text.splitlines()[line - 1] if file.text.strip() else "")
        return [], [
            error(
                "sql-syntax", wrong.message or "syntax error", file=file.path, line=line, hint=cause
            )
        ]
    raw = file.text.encode()
    statements = []
    for stmt in tree.stmts:
        kind = stmt.stmt.WhichOneof("node")
        start = stmt.stmt_location + _blank(raw[stmt.stmt_location :])
        statements.append(Statement(kind, line_at(file.text, start), getattr(stmt.stmt, kind)))
    return statements, []


def check_select(file: SqlFile) -> list[Finding]:
    """A move, way back, registry or check is exactly one SELECT that locks and creates nothing."""
    statements, findings = parse(file)
    if findings:
        return findings
    if len(statements) != 1 or statements[0].kind != "select_stmt":
        what = "nothing" if not statements else f"{len(statements)} statements"
        if len(statements) == 1:
            what = statements[0].kind.removesuffix("_stmt").upper().replace("_", " ")
        return [
            error(
                "not-one-select",
                f"{file.path} holds {what}; it must be exactly one SELECT",
                file=file.path,
                line=statements[1].line if len(statements) > 1 else 1,
                hint="one file describes one table by one SELECT; put checks into checks/*.sql",
            )
        ]
    node = statements[0].node
    if node.locking_clause or node.HasField("into_clause"):
        return [
            error(
                "not-one-select",
                "a SELECT with INTO, FOR UPDATE or FOR SHARE cannot be a view",
                file=file.path,
                line=statements[0].line,
                hint="take the clause out",
            )
        ]
    return moment_dependent(file, node)


def check_target(file: SqlFile) -> list[Finding]:
    """target.sql runs inside one transaction: nothing in it may end it or need its own."""
    statements, findings = parse(file)
    for statement in statements:
        trouble = _not_in_transaction(statement)
        if trouble:
            findings.append(
                error(
                    "target-not-transactional",
                    trouble,
                    file=file.path,
                    line=statement.line,
                    hint="Repot builds V2 in one transaction; take the statement out",
                )
            )
    return findings


def moment_dependent(file: SqlFile, node: Any) -> list[Finding]:
    """Calls whose value depends on when or by whom they are asked."""
    found = []
    for name, at in calls(node):
        if name.split(".")[-1] in MOMENT_FUNCTIONS:
            found.append((name, at))
    return [volatile_call(file, name, at) for name, at in found]


def volatile_call(file: SqlFile, name: str, at: int) -> Finding:
    """The finding for one such call."""
    return error(
        "volatile-expression",
        f"{name} gives another value each time: V2 could never be proven equal",
        file=file.path,
        line=line_at(file.text, max(at, 0)),
        object=name,
        hint="use a constant, a column, or a registry (a value that is decided once)",
    )


def calls(node: Any) -> Iterator[tuple[str, int]]:
    """Function calls below `node`: name as written (schema.name) and byte offset."""
    for _, part in postgast.walk(node):
        kind = type(part).__name__
        if kind == "FuncCall":
            names = [piece.string.sval for piece in part.funcname]
            yield ".".join(n for n in names if n != "pg_catalog"), part.location
        elif kind == "SQLValueFunction":
            yield (
                postgast.pg_query_pb2.SQLValueFunctionOp.Name(part.op)
                .removeprefix("SVFOP_")
                .lower(),
                part.location,
            )


def bare_relations(text: str) -> Counter[str]:
    """How often each relation is named without a schema in the statements of `text`."""
    found: Counter[str] = Counter()
    for _, part in postgast.walk(postgast.parse(text)):
        if type(part).__name__ == "RangeVar" and not part.schemaname:
            found[part.relname] += 1
    return found


def without_foreign_keys(file: SqlFile) -> SqlFile:
    """The same DDL without its foreign keys, printed from the syntax tree.

    For probes only: a foreign key locks the table it points to, here for as long as the plan reads.
    """
    tree = postgast.parse(file.text)
    foreign = postgast.pg_query_pb2.ConstrType.CONSTR_FOREIGN
    validate = postgast.pg_query_pb2.AlterTableType.AT_ValidateConstraint
    kept = []
    for raw in tree.stmts:
        kind = raw.stmt.WhichOneof("node")
        node = getattr(raw.stmt, kind)
        if kind == "comment_stmt":
            continue  # it may be on one of the keys, and says nothing to the probes
        if kind == "create_stmt":
            _drop(node.table_elts, lambda e: _is(e, "constraint", foreign))
            for element in node.table_elts:
                if element.WhichOneof("node") == "column_def":
                    _drop(element.column_def.constraints, lambda e: _is(e, "constraint", foreign))
        elif kind == "alter_table_stmt":
            _drop(
                node.cmds,
                lambda e: _is(e.alter_table_cmd.__getattribute__("def"), "constraint", foreign),
            )
            _drop(node.cmds, lambda e: e.alter_table_cmd.subtype == validate)
            if not node.cmds:
                continue
        kept.append(raw)
    del tree.stmts[:]
    tree.stmts.extend(kept)
    return SqlFile(path=file.path, text=postgast.deparse(tree))


def _is(element: Any, node: str, contype: int) -> bool:
    return bool(element.WhichOneof("node") == node and element.constraint.contype == contype)


def _drop(items: Any, unwanted: Any) -> None:
    for index in reversed(range(len(items))):
        if unwanted(items[index]):
            del items[index]


def _not_in_transaction(statement: Statement) -> str | None:
    node = statement.node
    if statement.kind == "transaction_stmt":
        return "BEGIN, COMMIT and the like cannot stand in target.sql"
    if statement.kind == "index_stmt" and node.concurrent:
        return (
            "CREATE INDEX CONCURRENTLY cannot run in a transaction (and V2 is empty: plain is fine)"
        )
    if statement.kind in ("vacuum_stmt", "createdb_stmt", "dropdb_stmt", "alter_system_stmt"):
        return f"{statement.kind.removesuffix('_stmt').upper()} cannot run in a transaction"
    return None


def _blank(raw: bytes) -> int:
    """How many bytes of space and comments stand before the statement."""
    at = 0
    while at < len(raw):
        if raw[at : at + 1].isspace():
            at += 1
        elif raw[at : at + 2] == b"--":
            end = raw.find(b"\n", at)
            at = len(raw) if end < 0 else end + 1
        elif raw[at : at + 2] == b"/*":
            end = raw.find(b"*/", at)
            at = len(raw) if end < 0 else end + 2
        else:
            return at
    return at


def _likely_cause(line: str) -> str:
    if line.lstrip().startswith("\\"):
        return "a psql command: only SQL can stand here"
    if line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
        return "a merge conflict was left in the file"
    if "npm " in line[:12].lower():
        return "a line of another program's output: cut it"
    return ""
