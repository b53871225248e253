"""All questions, one after the other, each in a read-only transaction of its own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from repot.doctor.opening import open_folder, stand
from repot.doctor.probes import (
    access,
    declared,
    migrations,
    objects,
    runs,
    server,
    sessions,
    sign_in,
    sign_up,
)
from repot.doctor.visit import Visit, error, warning
from repot.model.doctor import Diagnosis, Limits, Trouble
from repot.model.errors import RepotError
from repot.model.finding import Severity
from repot.model.progress import Progress
from repot.postgres.connect import connection
from repot.postgres.trouble import explained

Question = Callable[[Visit], Iterable[Trouble]]

_QUESTIONS: tuple[tuple[str, Question], ...] = (
    ("sign-up", sign_up.attached),
    ("sign-up", sign_up.swallowed),
    ("sign-in", sign_in.roles),
    ("sign-in", sign_in.accounts),
    ("access", access.schemas),
    ("access", access.tables),
    ("access", access.policies),
    ("access", access.policies_tried),
    ("application", declared.checks),
    ("migrations", migrations.histories),
    ("migrations", migrations.notes),
    ("migrations", migrations.folder),
    ("objects", objects.indexes),
    ("objects", objects.constraints),
    ("objects", objects.triggers),
    ("objects", objects.sequences),
    ("sessions", sessions.visible),
    ("sessions", sessions.queues),
    ("sessions", sessions.transactions),
    ("sessions", sessions.prepared),
    ("sessions", sessions.slots),
    ("server", server.connections),
    ("move", runs.standing),
    ("move", runs.followers),
)
_ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def diagnose(
    dsn: str,
    folder: Path,
    progress: Progress,
    *,
    schema: str | None = None,
    migrations: Path | None = None,
    limits: Limits | None = None,
) -> Diagnosis:
    """Examine the database, with what `folder` declares; a folder that declares nothing is fine.

    schema: where bare names of doctor.toml and checks.toml are looked up; migrations: a folder of
    ordered migrations; limits: instead of doctor.toml's. Raises UsageError where the folder's files
    cannot be read.
    """
    begun = time.monotonic()
    opened = open_folder(folder, migrations, limits)
    troubles: list[Trouble] = []
    areas: Counter[str] = Counter()
    with explained("doctor"), connection(dsn, application="repot doctor") as conn:
        visit = Visit(conn, dsn, **opened)
        stand(visit, schema)
        runs.remember_tables(visit)
        questions = [*_QUESTIONS, *declared.questions(visit)]
        progress.start("doctor", "examine", len(questions), "questions")
        for area, question in questions:
            areas[area] += 1
            troubles += [_in(area, t) for t in _asked(visit, area, question)]
            progress.advance("doctor", 1)
        progress.finish("doctor")
        database = conn.info.dbname
    return Diagnosis(
        database=database,
        at=datetime.now(UTC),
        areas=dict(areas),
        troubles=tuple(sorted(troubles, key=lambda t: _ORDER.index(t.severity))),
        ms=int((time.monotonic() - begun) * 1000),
    )


def _in(area: str, trouble: Trouble) -> Trouble:
    return trouble if trouble.area else trouble.model_copy(update={"area": area})


def _asked(visit: Visit, area: str, question: Question) -> list[Trouble]:
    """The answers; a question that could not be asked is one, too."""
    conn = visit.conn
    try:
        with conn.transaction(force_rollback=True):
            conn.execute("set transaction read only")
            ms = sql.Literal(f"{int(visit.limits.question_s * 1000)}ms")
            conn.execute(sql.SQL("set local statement_timeout = {}").format(ms))
            conn.execute("set local lock_timeout = '1s'")
            return list(question(visit))
    except RepotError as failed:
        return [_unknown(question, f"{failed.message} ({failed.code})")]
    except psycopg.Error as failed:
        if conn.closed:
            raise
        said = failed.diag.message_primary or str(failed).strip()
        if failed.sqlstate == "42501":
            return [
                warning(
                    "doctor-no-right",
                    f"{question.__name__}: {said}",
                    hint="this was not looked at: examine as a role that may read it",
                )
            ]
        return [_unknown(question, f"{said} ({failed.sqlstate})")]


def _unknown(question: Question, said: str) -> Trouble:
    return error(
        "doctor-not-looked",
        f"{question.__name__}: {said}",
        hint="this was not looked at, so nothing is known of it; limits.question_s in "
        "doctor.toml is how long one question may take",
    )
