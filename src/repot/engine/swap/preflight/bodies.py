"""Routines that name tables in their text. Nothing but their text tells: these are warnings, save
for the triggers on tables that stay, without which, say, nobody can sign up any more."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repot.engine.swap.outside_sql import mentions
from repot.engine.swap.publications import columns_of
from repot.engine.swap.sql import load
from repot.engine.swap.survey import Survey
from repot.engine.swap.things import PG_PROC, RELATIONS
from repot.model.finding import Finding, error, warning
from repot.model.names import quoted
from repot.model.plan import Plan
from repot.model.schemas import ALL
from repot.postgres.connect import Connection

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def bodies(conn: Connection, plan: Plan, swap: Survey) -> list[Finding]:
    """Bodies that name what V2 has not, and V2's own that name the schema it leaves."""
    where = swap.direction
    moving = [t.oid for t in (*swap.outgoing, *swap.incoming) if t.is_relation]
    rows = conn.execute(
        load("bodies.sql"), {"except": [*ALL, where.aside], "moving": moving}
    ).fetchall()
    going = {t.identity for t in swap.outgoing if t.class_id == PG_PROC}
    gone = _gone(swap)
    lost = _lost_columns(conn, swap)
    found: list[Finding] = []
    for schema, name, identity, source, triggers, settings in rows:
        text = _COMMENT.sub(" ", str(source))
        what = str(identity)
        assert isinstance(triggers, list)
        if schema == where.waiting:
            found += _leaving_target(what, text, str(settings), where.waiting)
        elif what not in going:
            words = _words(text)
            tables = sorted(gone & words)
            columns = sorted(f"{t}.{c}" for t, c in lost if t in words and c in words)
            if tables or columns:
                found.append(_names(plan, what, str(name), tables, columns, triggers))
    found += _cron(conn, gone)
    return found


def _gone(swap: Survey) -> set[str]:
    """Names of relations that nothing bears after the swap."""
    coming = {t.name for t in swap.incoming if t.kind in RELATIONS}
    return {t.name for t in swap.outgoing if t.kind in RELATIONS} - coming


def _lost_columns(conn: Connection, swap: Survey) -> set[tuple[str, str]]:
    pairs = [(t, n) for t in swap.outgoing if t.is_relation and (n := swap.namesake(t))]
    columns = columns_of(conn, [t.oid for pair in pairs for t in pair])
    return {
        (old.name, column)
        for old, new in pairs
        for column in columns.get(old.oid, ())
        if column not in columns.get(new.oid, ())
    }


def _words(text: str) -> set[str]:
    """Identifiers of the text: quoted ones as they are, others folded to lower case."""
    plain = {w.lower() for w in re.findall(r"[^\W\d][\w$]*", text)}
    return plain | {w.replace('""', '"') for w in re.findall(r'"((?:[^"]|"")+)"', text)}


def _names(
    plan: Plan, what: str, name: str, tables: list[str], columns: list[str], triggers: list[str]
) -> Finding:
    parts = [quoted(t) for t in tables] + columns
    text = f"the body of {what} names {', '.join(parts)}, which V2 has not"
    script = mentions(plan, name) or next(
        (s for t in triggers if (s := mentions(plan, t.split(" on ")[0]))), None
    )
    hint = (
        "give V2 a function of the same name and arguments in target.sql (it takes this one's "
        f"place), or rewrite it in outside/{name}.sql"
    )
    if script is not None:
        return warning(
            "body-names-v1", f"{text}; {script.path} deals with it", object=what, file=script.path
        )
    if triggers:
        return error(
            "outside-trigger-breaks",
            f"{text}: the trigger {', '.join(triggers)} would fail after the cutover",
            object=what,
            hint=hint,
        )
    return warning("body-names-v1", text, object=what, hint=hint)


def _leaving_target(what: str, text: str, settings: str, target: str) -> Iterator[Finding]:
    if target in _words(settings):
        yield error(
            "function-search-path",
            f"{what} of V2 sets search_path to {quoted(target)}, which V2 leaves at the cutover",
            object=what,
            file="target.sql",
            hint="set it to the source schema's name: that is where V2 will be",
        )
    elif target in _words(text):
        yield warning(
            "body-names-target",
            f"the body of {what} names {quoted(target)}, which V2 leaves at the cutover",
            object=what,
            file="target.sql",
            hint="write the source schema's name, or none",
        )


def _cron(conn: Connection, gone: set[str]) -> Iterator[Finding]:
    there = conn.execute(
        "select to_regclass('cron.job') is not null and"
        " coalesce(has_table_privilege(to_regclass('cron.job'), 'select'), false)"
    ).fetchone()
    if not there or not there[0]:
        return
    for job, command in conn.execute(load("cron_jobs.sql")).fetchall():
        named = sorted(gone & _words(str(command)))
        if named:
            yield warning(
                "cron-names-v1",
                f"job {job} of pg_cron names {', '.join(map(quoted, named))}, which V2 has not",
                object=f"cron.job {job}",
                hint="change it with cron.alter_job in a file of outside/",
            )
