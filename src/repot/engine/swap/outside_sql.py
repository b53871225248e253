"""The project's outside/*.sql: run in the swap's transaction, what they change noted for undoing.

`outside/<name>.sql` runs in the cutover, after the swap, with the source schema as search_path;
`outside/<name>.back.sql` in the rollback. Triggers, rules, policies, foreign keys, defaults, views
and routines that the former make, change or drop are put back by the rollback by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import psycopg

from repot.engine.swap.definitions import (
    Definition,
    Remake,
    drop,
    read_definitions,
    remake,
)
from repot.engine.swap.survey import Survey
from repot.model.errors import RepotError
from repot.model.finding import Finding, error
from repot.model.plan import Plan
from repot.model.project import SqlFile
from repot.model.schemas import ALL
from repot.moves.install import clear_search_path, set_search_path
from repot.moves.statements import parse
from repot.postgres.connect import Connection

_BACK = ".back"


def files(plan: Plan, *, back: bool = False) -> tuple[SqlFile, ...]:
    """Those for the cutover, or those for the rollback, in order of name."""
    chosen = [f for f in plan.outside_sql if f.stem.endswith(_BACK) == back]
    return tuple(sorted(chosen, key=lambda f: f.path))


def wrong(scripts: Collection[SqlFile]) -> list[Finding]:
    """What must not stand in such a file: syntax errors, and anything that ends the transaction."""
    found = []
    for script in scripts:
        statements, findings = parse(script)
        found += findings
        found += [
            error(
                "outside-sql-transaction",
                f"{script.path} begins or ends a transaction: it runs inside the swap's",
                file=script.path,
                line=statement.line,
                hint="take BEGIN, COMMIT, ROLLBACK and SAVEPOINT out of it",
            )
            for statement in statements
            if statement.kind == "transaction_stmt"
        ]
    return found


def run(conn: Connection, scripts: Collection[SqlFile], schema: str) -> None:
    """Run them. Raises RepotError with the code of what is `wrong`, or `outside-sql-failed`."""
    for finding in wrong(scripts):
        raise RepotError(finding.code, finding.message, hint=finding.hint)
    for script in scripts:
        set_search_path(conn, schema)
        try:
            conn.execute(script.text.encode())
        except psycopg.OperationalError:
            raise
        except psycopg.Error as failed:
            raise RepotError(
                "outside-sql-failed",
                f"{script.path}: {failed.diag.message_primary or failed}",
                evidence=f"SQLSTATE {failed.sqlstate}",
                hint="the whole transaction was rolled back: nothing was changed",
            ) from failed
    if scripts:
        clear_search_path(conn)


def run_noting(conn: Connection, plan: Plan, swap: Survey, known: Collection[str]) -> list[Remake]:
    """Run the cutover's files; gives what undoes what they did, in the order to run.

    known: objects whose undoing has been noted already (as `Definition.what`).
    """
    scripts = files(plan)
    if not scripts:
        return []
    before = _snapshot(conn, swap)
    run(conn, scripts, swap.direction.front)
    after = _snapshot(conn, swap)
    undo = [
        Remake(f"made by outside/*.sql: {what}", (drop(conn, definition),))
        for what, definition in after.items()
        if what not in before and what not in known
    ]
    undo += [
        remake(conn, definition)
        for what, definition in before.items()
        if what not in known and (what not in after or after[what].detail != definition.detail)
    ]
    return undo


def _snapshot(conn: Connection, swap: Survey) -> Mapping[str, Definition]:
    """All that such a file may change. Of the source schema only the routines that stay there."""
    where = swap.direction
    left_out = [*ALL, where.aside, where.waiting]
    coming = {t.key for t in swap.incoming}
    return {
        d.what: d
        for d in read_definitions(conn, None, left_out).values()
        if d.schema != where.front or (d.kind == "routine" and d.key not in coming)
    }


def mentions(plan: Plan, name: str) -> SqlFile | None:
    """The cutover's file that is called `name` or holds it as a word, if there is one."""
    for script in files(plan):
        if script.stem == name or _has_word(script.text, name):
            return script
    return None


def _has_word(text: str, word: str) -> bool:
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        before = text[start - 1] if start else " "
        after = text[end] if end < len(text) else " "
        if not (_in_name(before) or _in_name(after)):
            return True
        start = text.find(word, start + 1)
    return False


def _in_name(character: str) -> bool:
    return character.isalnum() or character in "_$"
