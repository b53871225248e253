"""Folders with an upkeep.toml, and a clock that goes as fast as it is asked."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

from repot.model.upkeep import Upkeep
from repot.upkeep import service


def folder_with(path: Path, tasks: str, sql: dict[str, str] | None = None, top: str = "") -> Path:
    """A folder with upkeep.toml: `tasks` below the head, and `upkeep/NAME.sql` of `sql`."""
    (path / "upkeep").mkdir(parents=True, exist_ok=True)
    head = top or 'project = "kept"\ntime_zone = "Europe/Paris"\n'
    (path / "upkeep.toml").write_text(head + tasks, encoding="utf-8")
    for name, text in (sql or {}).items():
        (path / "upkeep" / f"{name}.sql").write_text(text, encoding="utf-8")
    return path


def upkeep_of(path: Path) -> Upkeep:
    return service.load(path)


class Simulated:
    """A clock that stands still while there is work and jumps to the next instant that somebody
    waits for; `at_end` is called when it has come to `end`."""

    def __init__(
        self, start: datetime, end: datetime | None = None, at_end: Callable[[], None] | None = None
    ) -> None:
        self.at, self.end, self.at_end = start, end or start, at_end or (lambda: None)

    def look(self, _: object) -> None: ...

    def now(self) -> datetime:
        return self.at

    def wait(self, until: datetime, wake: Event) -> None:
        if wake.is_set():
            return
        if until > self.end:
            self.at_end()
        else:
            self.at = until


class AtOnce(Executor):
    """Does the work where it is given."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future
