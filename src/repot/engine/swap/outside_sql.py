"""The project's outside/*.sql: run in the swap's transaction, what they change noted for undoing.

`outside/<name>.sql` runs in the cutover, after the swap, with the source schema as search_path;
`outside/<name>.back.sql` in the rollback. Triggers, rules, policies, foreign keys, defaults, views
and routines that the former make, change or drop are put back by the rollback by itself.
"""

from __future__ import annotations

from collections.abc import Collection

import psycopg

from repot.engine.swap.definitions import (
    Definition,
    Remake,
    drop,
    read_definitions,
    remake,
)
from repot.engine.swap.sql import load
from repot.engine.swap.survey import Survey
from repot.engine.swap.things import Key
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


class Noting:
    """Runs the cutover's files and notes how to undo what they did.

    What there is to be changed is read when it is made, before the locks; under them only what has
    changed is looked at, by the versions of the catalogs' rows.
    """

    def __init__(self, conn: Connection, plan: Plan, swap: Survey) -> None:
        self._conn, self._swap, self._scripts = conn, swap, files(plan)
        where = swap.direction
        self._left_out = [*ALL, where.aside, where.waiting]
        self._coming = {t.key for t in swap.incoming}
        self._before = self._relevant(None) if self._scripts else {}
        if self._scripts:  # what is asked under the locks is planned now
            self._versions()
            self._relevant(list(self._before)[:1])

    def run(self, known: Collection[str]) -> list[Remake]:
        """Run the files; gives what undoes them, in the order to run.

        known: objects whose undoing has been noted already (as `Definition.what`).
        """
        if not self._scripts:
            return []
        versions = self._versions()
        run(self._conn, self._scripts, self._swap.direction.front)
        now = self._versions()
        touched = [key for key, version in now.items() if versions.get(key) != version]
        gone = set(versions) - set(now)
        after = {d.what: d for d in self._relevant(touched).values()} if touched else {}
        before = {d.what: d for d in self._before.values()}
        undo = [
            Remake(f"made by outside/*.sql: {what}", (drop(self._conn, definition),))
            for what, definition in after.items()
            if what not in before and what not in known
        ]
        for key, definition in self._before.items():
            what = definition.what
            new = after.get(what)
            changed = key in gone or (new is not None and new.detail != definition.detail)
            if changed and what not in known:
                undo.append(remake(self._conn, definition))
        return undo

    def _relevant(self, keys: Collection[Key] | None) -> dict[Key, Definition]:
        """All that such a file may change. Of the source schema only routines that stay there."""
        front = self._swap.direction.front
        return {
            key: d
            for key, d in read_definitions(self._conn, keys, self._left_out).items()
            if d.schema not in self._left_out
            and (d.schema != front or (d.kind == "routine" and key not in self._coming))
        }

    def _versions(self) -> dict[Key, str]:
        rows = self._conn.execute(
            load("versions.sql"), {"except": self._left_out}, prepare=True
        ).fetchall()
        return {(int(str(c)), int(str(o))): str(version) for c, o, version in rows}


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
