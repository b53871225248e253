"""Features tried out: a script in one transaction, rolled back whatever comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from repot.engine.checking.look import Look, outcome, said
from repot.engine.checking.script import Expected, Piece, read_script
from repot.model.checks import Checked, Checking, Outcome
from repot.model.project import SqlFile
from repot.moves.install import set_search_path
from repot.postgres.connect import Connection, connection

EXAMPLES = 3
WIDTH = 200


@dataclass
class _Trial:
    """What came of a script so far; it ends where a statement fails that must not."""

    reasons: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    expectations: int = 0
    line: int | None = None  # of the first that went wrong
    hint: str = ""

    def wrong(self, piece: Piece, why: str) -> None:
        self.line = self.line or piece.line
        self.reasons.append(f"line {piece.line}: {why}")


def missing_features(checking: Checking) -> Iterator[Checked]:
    """Those that must be there and are not."""
    for name in checking.required:
        if name not in checking.features:
            yield outcome("feature", name, [f"there is no features/{name}.sql"])


def check_feature(dsn: str, look: Look, name: str, file: SqlFile) -> Iterator[Checked]:
    """Run one script on a connection of its own, and roll it back."""
    script = read_script(file)
    title = f"{name}: {script.title}" if script.title else name
    if script.problems:
        reasons = [f"line {line}: {why}" for line, why in script.problems]
        yield outcome("feature", title, reasons, file=file.path, line=script.problems[0][0])
        return
    if not look.place.in_place:
        yield Checked(
            kind="feature",
            name=title,
            outcome=Outcome.NOT_RUN,
            reasons=("it uses what serves, and V2 does not yet",),
            file=file.path,
        )
        return
    trial = _Trial()
    with (
        connection(dsn, application="repot check") as conn,
        conn.transaction(force_rollback=True),
    ):
        prepare(conn, look.checking, look.place.schema)
        _play(conn, trial, script.pieces)
    yield outcome(
        "feature",
        title,
        trial.reasons,
        file=file.path,
        line=trial.line,
        hint=trial.hint,
        expectations=trial.expectations,
        examples=tuple(trial.examples[:EXAMPLES]),
    )


def prepare(conn: Connection, checking: Checking, *schemas: str) -> None:
    """The settings of a check, for the rest of the transaction: as an application has them."""
    set_search_path(conn, *schemas)
    # Off on Repot's connections, where a policy must not hide rows; a feature is to meet policies.
    conn.execute("set local row_security = on")
    for setting in ("statement_timeout", "lock_timeout"):
        ms = sql.Literal(f"{getattr(checking, setting + '_ms')}ms")
        conn.execute(sql.SQL("set local {} = {}").format(sql.Identifier(setting), ms))


def _play(conn: Connection, trial: _Trial, pieces: tuple[Piece, ...]) -> None:
    for number, piece in enumerate(pieces):
        if not _step(conn, trial, piece):
            rest = sum(p.expected is not None for p in pieces[number + 1 :])
            if rest:
                trial.reasons.append(f"{rest} more expectations were not reached")
            return
    end = Piece(pieces[-1].line, "set constraints all immediate", None)
    _step(conn, trial, end, "a deferred constraint: ")


def _step(conn: Connection, trial: _Trial, piece: Piece, where: str = "") -> bool:
    """Run one statement; gives whether the script can go on."""
    expected = piece.expected
    try:
        if expected is None:
            conn.execute(piece.text.encode())
        elif expected.sqlstate is None:
            trial.expectations += 1
            _no_rows(conn, trial, piece, expected)
        else:
            trial.expectations += 1
            with conn.transaction():  # a savepoint: what the failed statement did is undone
                conn.execute(piece.text.encode())
            trial.wrong(
                piece, f"it must fail with {expected.sqlstate} and did not: {expected.text}"
            )
    except psycopg.Error as failed:
        if conn.closed:
            raise
        if expected is not None and expected.sqlstate is not None:
            if failed.sqlstate != expected.sqlstate:
                trial.wrong(
                    piece,
                    f"it must fail with {expected.sqlstate} ({expected.text}), and says: "
                    + said(failed),
                )
            return True
        trial.wrong(piece, where + said(failed))
        trial.hint = trial.hint or _hint(failed)
        return False
    return True


def _no_rows(conn: Connection, trial: _Trial, piece: Piece, expected: Expected) -> None:
    cursor = conn.execute(piece.text.encode())
    if cursor.description is None:
        trial.wrong(piece, f"it returns nothing that could be looked at: {expected.text}")
    elif cursor.rowcount:
        rows = cursor.fetchmany(EXAMPLES)
        trial.examples += [" | ".join(str(v) for v in row)[:WIDTH] for row in rows]
        noun = "row" if cursor.rowcount == 1 else "rows"
        trial.wrong(piece, f"{expected.text}: {cursor.rowcount} {noun}")


def _hint(failed: psycopg.Error) -> str:
    if failed.sqlstate == "42501" and "permission denied to set role" in str(failed):
        return "the role that runs the check must be a member of the roles it takes"
    if failed.sqlstate == "57014":
        return "statement_timeout_ms in checks.toml is how long a statement may take"
    if failed.sqlstate == "55P03":
        return "somebody else holds the lock: `repot doctor` says who; try again"
    return failed.diag.message_hint or ""
