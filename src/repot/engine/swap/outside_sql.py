"""The project's outside/*.sql: run in the swap's transaction, what they change noted for undoing.

`outside/<name>.sql` runs in the cutover, after the swap, with the source schema as search_path;
`outside/<name>.back.sql` in the rollback. Triggers, rules, policies, foreign keys, defaults, views
and routines that the former make, change or drop are put back by the rollback by itself.
"""

from __future__ import annotations

from collections.abc import Collection

import psycopg
from psycopg import sql

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
from repot.moves.install import setting_search_path
from repot.moves.statements import parse
from repot.postgres.connect import Connection
from repot.postgres.plans import kept

_BACK = ".back"
MADE = "made by outside/*.sql: "  # and the object, of what a rollback drops again


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
    refuse(scripts)
    if scripts:
        _run(conn, scripts, setting_search_path(conn, schema))


def refuse(scripts: Collection[SqlFile]) -> None:
    """Raises RepotError with the code of what is `wrong`."""
    for finding in wrong(scripts):
        raise RepotError(finding.code, finding.message, hint=finding.hint)


def _run(conn: Connection, scripts: Collection[SqlFile], path: sql.Composed) -> None:
    for script in scripts:
        text = f"{path.as_string(conn)};\n{script.text}\n; set local search_path = ''"
        try:
            conn.execute(text.encode())
        except psycopg.OperationalError:
            raise
        except psycopg.Error as failed:
            raise RepotError(
                "outside-sql-failed",
                f"{script.path}: {failed.diag.message_primary or failed}",
                evidence=f"SQLSTATE {failed.sqlstate}",
                hint="the whole transaction was rolled back: nothing was changed",
            ) from failed


class Noting:
    """Runs the cutover's files and notes how to undo what they did.

    What there is to be changed is read when it is made, before the locks; under them only what the
    files have written is looked at, by the transactions' numbers in the catalogs' rows.
    """

    def __init__(
        self, conn: Connection, plan: Plan, swap: Survey, run_id: int, *, ran: bool
    ) -> None:
        """ran: whether the files will be run at all (a rollback runs others)."""
        self._conn, self._swap, self._run_id = conn, swap, run_id
        self._scripts = files(plan) if ran else ()
        where = swap.direction
        self._left_out = [*ALL, where.aside, where.waiting]
        self._coming = {t.key for t in swap.incoming}
        if not self._scripts:
            return
        refuse(self._scripts)
        self._path = setting_search_path(conn, where.front)
        definitions = read_definitions(conn, None, self._left_out)
        self._before = {k: d for k, d in definitions.items() if self._is_relevant(d)}
        self._touched("0")  # what is asked under the locks is planned now

    def run(self, known: Collection[str]) -> list[Remake]:
        """Run the files; gives what undoes them, in the order to run.

        known: objects whose undoing has been noted already (as `Definition.what`).
        """
        if not self._scripts:
            return []
        # A subtransaction's number: the files' own are not below it, what was done before is.
        mark = sql.SQL(
            "savepoint repot_outside; update repot.run set updated_at = updated_at"
            " where id = {} returning xmin::text"
        ).format(sql.Literal(self._run_id))
        cursor = self._conn.execute(mark)
        cursor.nextset()
        since = cursor.fetchone()
        assert since is not None
        with kept(self._conn):
            _run(self._conn, self._scripts, self._path)
            self._conn.execute("release savepoint repot_outside")
        touched = self._touched(str(since[0]))
        before = {d.what for d in self._before.values()}
        undo = [
            Remake(MADE + d.what, (drop(self._conn, d),))
            for d in touched.values()
            if d is not None and d.what not in before and d.what not in known
        ]
        for key, definition in self._before.items():
            if key in touched and definition.what not in known:
                undo.append(remake(self._conn, definition))
        return undo

    def _is_relevant(self, d: Definition) -> bool:
        """Whether such a file may change it. Of the source schema only routines that stay there."""
        front = self._swap.direction.front
        return d.schema not in self._left_out and (
            d.schema != front or (d.kind == "routine" and d.key not in self._coming)
        )

    def _touched(self, since: str) -> dict[Key, Definition | None]:
        """What was made or changed, as far as dropping it needs to know it; None: gone."""
        rows = self._conn.execute(
            load("touched.sql"),
            {
                "since": since,
                "except": self._left_out,
                "classes": [class_id for class_id, _ in self._before],
                "oids": [oid for _, oid in self._before],
            },
            prepare=True,
        ).fetchall()
        found: dict[Key, Definition | None] = {}
        for class_id, oid, kind, schema, relation, name, kind_of_routine, identity in rows:
            key = (int(str(class_id)), int(str(oid)))
            if kind is None:
                found[key] = None
                continue
            d = Definition(
                key=key,
                kind=str(kind),
                schema=str(schema),
                relation=None if relation is None else str(relation),
                name=None if name is None else str(name),
                detail={"type": kind_of_routine, "identity": identity},
            )
            if self._is_relevant(d):
                found[key] = d
        return found


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
