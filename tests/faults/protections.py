"""What the tests are worth: protections, each taken out in the process that meets the accident."""

from __future__ import annotations

from typing import Any


def checkpoint_apart_from_rows() -> None:
    """A chunk's rows are committed before its checkpoint."""
    _commit_before("update repot.chunk set done_at")


def phase_apart_from_swap() -> None:
    """The swap is committed before the note that it was done, and that for itself."""
    _commit_before("update repot.run set phase")


def nobody_looks_what_became_of_the_commit() -> None:
    """A COMMIT whose answer was lost is taken for one that failed."""
    from repot.engine.swap import attempts
    from repot.model.errors import RepotError

    def settle(_session: Any, _xid: str, what: str, *_: Any, **__: Any) -> None:
        raise RepotError("connection-lost", f"the {what} was not done")

    attempts.settle = settle  # type: ignore[assignment]


def _commit_before(beginning: str) -> None:
    import psycopg

    execute = psycopg.Connection.execute

    def apart(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        text = query if isinstance(query, str | bytes) else query.as_string(self)
        if isinstance(text, str) and text.startswith(beginning):
            self.pgconn.exec_(b"commit")
            self.pgconn.exec_(b"begin")
        return execute(self, query, *args, **options)

    psycopg.Connection.execute = apart  # type: ignore[method-assign]
