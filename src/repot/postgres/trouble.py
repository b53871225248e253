"""What the driver raises, said as Repot says it: what failed, the evidence, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from repot.model.errors import RepotError


@contextmanager
def explained(stage: str) -> Iterator[None]:
    """Errors of the driver that nobody below expected, as RepotError.

    `connection-broken`: the server or the way to it is in trouble; `database-error`: it refused a
    statement. What was committed stays in both.
    """
    try:
        yield
    except psycopg.OperationalError as failed:
        raise RepotError(
            "connection-broken",
            f"{stage}: the connection to the server broke, or it could not go on",
            evidence=_evidence(failed),
            hint="what was committed stays; when the server is back, the same command goes on",
        ) from failed
    except psycopg.Error as failed:
        raise RepotError(
            "database-error",
            f"{stage}: the server refused a statement",
            evidence=_evidence(failed),
            hint="what was committed stays; `repot status` says where the run stands",
        ) from failed


def _evidence(failed: psycopg.Error) -> str:
    diagnosis = failed.diag
    parts = [
        diagnosis.message_primary or str(failed).strip(),
        diagnosis.message_detail,
        diagnosis.message_hint,
        f"SQLSTATE {failed.sqlstate}" if failed.sqlstate else None,
    ]
    return "\n".join(part for part in parts if part)
