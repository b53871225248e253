"""What the examined folder declares: the troubles of doctor.toml, and the checks of checks.toml."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import psycopg
from psycopg import sql

from repot.doctor.visit import Visit, error, info
from repot.engine.checking import run_checks
from repot.model.checks import Outcome
from repot.model.doctor import DeclaredTrouble, Trouble
from repot.model.progress import Silent
from repot.model.project import SqlFile
from repot.moves.install import set_search_path
from repot.moves.statements import query_of, why_no_query
from repot.stages.audit.query import is_private

EXAMPLES = 3
WIDTH = 60
# Values that are secrets or personal wherever they stand: tokens, keys, e-mail addresses.
_SECRET = re.compile(r"eyJ[\w-]+\.[\w.-]+|\b(sk|pk|rk|whsec)_\w+|[^\s@]+@[^\s@]+\.\w+")


def checks(visit: Visit) -> Iterator[Trouble]:
    """The folder's checks of the catalogs, where what they speak of stands."""
    if visit.checking is None or visit.place is None:
        return
    # Features are tried out by `repot check` alone: the doctor writes nothing.
    looked = visit.checking.model_copy(update={"features": {}, "queries": {}, "required": ()})
    if looked.empty:
        return
    for one in run_checks(visit.dsn, looked, visit.place, Silent()).checks:
        if one.outcome is Outcome.FAILED:
            yield error(
                "check-failed",
                f"{one.kind} {one.name}: {'; '.join(one.reasons)}",
                hint=one.hint or "checks.toml says what must be; make it so",
                next="repot check",
                object=one.name,
            )


Question = Callable[[Visit], Iterable[Trouble]]


def questions(visit: Visit) -> list[tuple[str, Question]]:
    """One for each declared trouble."""
    if not visit.declared.troubles:
        return []
    if visit.place is None or not visit.place.in_place:
        return [("application", _not_there)]
    return [(one.area, _question(one)) for one in visit.declared.troubles]


def _not_there(visit: Visit) -> Iterator[Trouble]:
    yield info(
        "doctor-not-in-place",
        f"{len(visit.declared.troubles)} troubles of doctor.toml were not looked for: "
        + (visit.no_place or "V2 does not serve yet"),
        hint="they are about what serves after the cutover; --schema says where else to look",
    )


def _question(declared: DeclaredTrouble) -> Question:
    def ask(visit: Visit) -> Iterator[Trouble]:
        return _ask(visit, declared)

    ask.__name__ = declared.code
    return ask


def _ask(visit: Visit, declared: DeclaredTrouble) -> Iterator[Trouble]:
    why = why_no_query(SqlFile(path=declared.file, text=declared.evidence))
    if why is not None:
        yield _unasked(declared, why)
        return
    assert visit.place is not None
    try:
        with visit.conn.transaction():
            set_search_path(visit.conn, visit.place.schema)
            cursor = visit.conn.execute(
                sql.SQL(
                    "select trouble.*, count(*) over () from ({}\n) as trouble limit {}"
                ).format(query_of(declared.evidence), sql.Literal(EXAMPLES))
            )
            rows = cursor.fetchall()
            names = [c.name for c in cursor.description or ()][:-1]
            visit.conn.execute("set local search_path = ''")
    except psycopg.Error as failed:
        if visit.conn.closed:
            raise
        said = failed.diag.message_primary or str(failed).strip()
        yield _unasked(declared, f"{said} ({failed.sqlstate})")
        return
    if rows:
        yield Trouble(
            code=declared.code,
            severity=declared.severity,
            message=declared.title,
            area=declared.area,
            hint=declared.remedy,
            next=declared.next,
            count=int(str(rows[0][-1])),
            examples=tuple(_shown(names, row) for row in rows),
        )


def _unasked(declared: DeclaredTrouble, why: str) -> Trouble:
    return error(
        "doctor-question-fails",
        f"{declared.code} ({declared.title}) was not looked for: {why}",
        area=declared.area,
        hint="mend its evidence in doctor.toml: one SELECT of the rows that are in trouble",
        file=declared.file,
    )


def _shown(names: list[str], row: tuple[object, ...]) -> str:
    """The row for people, without what is secret or personal."""
    return ", ".join(
        f"{name} {_value(name, value)}" for name, value in zip(names, row, strict=False)
    )


def _value(name: str, value: object) -> str:
    if value is None:
        return "null"
    return "***" if is_private(name) else _SECRET.sub("***", str(value))[:WIDTH]
