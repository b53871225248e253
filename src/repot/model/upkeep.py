"""Upkeep: tasks that run by the clock, when they are due, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import Field

from repot.model.base import Value
from repot.model.finding import Finding
from repot.model.progress import Progress, Silent
from repot.model.project import SqlFile

# Letters of any script, digits, and signs that are no trouble in a file name or a job's name.
TASK_NAME = r"^[^\W\d_][\w.-]{0,39}$"


class Kind(StrEnum):
    """What a task is made of."""

    SQL = "sql"  # a file of statements, one transaction
    CARE = "care"  # a built-in
    COMMAND = "command"  # a program


class CatchUp(StrEnum):
    """What happens with runs that were missed while nothing ran."""

    ONCE = "once"  # one run stands for all of them
    NO = "no"


class State(StrEnum):
    """Where a run stands."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    BROKEN_OFF = "broken off"  # its runner is gone, its outcome was not written down


class Task(Value):
    """One task of upkeep.toml. `cron` is its schedule as five fields; `timeout` is in seconds, None
    without a limit."""

    name: str = Field(pattern=TASK_NAME)
    schedule: str  # as written
    cron: str
    sql: SqlFile | None = None
    care: str | None = None
    settings: dict[str, Any] = {}  # of the built-in
    command: tuple[str, ...] = ()
    timeout: float | None = 3600
    catch_up: CatchUp = CatchUp.ONCE
    enabled: bool = True
    again: bool = True  # a run that was broken off is repeated

    @property
    def kind(self) -> Kind:
        if self.sql is not None:
            return Kind.SQL
        return Kind.CARE if self.care is not None else Kind.COMMAND

    @property
    def what(self) -> str:
        """The file, the built-in's name or the program, for people."""
        if self.sql is not None:
            return self.sql.path
        return self.care or self.command[0]


class Upkeep(Value):
    """An upkeep.toml with its SQL files. `schema_` is where bare names of the SQL tasks are."""

    project: str
    folder: str
    time_zone: str
    schema_: str = "public"
    tasks: tuple[Task, ...]
    digest: str  # SHA-256 over all of it

    def task(self, name: str) -> Task | None:
        return next((task for task in self.tasks if task.name == name), None)


class Due(Value):
    """A run that is due. `missed` counts the earlier due times that it stands for, too."""

    task: str
    at: datetime
    missed: int = 0
    again: bool = False  # the run for this due time was broken off


class Outcome(Value):
    """What became of a run: `figures` are counts and sizes under stable names."""

    ok: bool
    summary: str
    figures: dict[str, Any] = {}
    findings: tuple[Finding, ...] = ()


class Entry(Value):
    """A line of the history: the run of a task for one due time. Times are UTC."""

    id: int
    task: str
    due: datetime
    state: State
    started: datetime
    finished: datetime | None = None
    runner: str
    asked: bool = False  # by a person, not by the schedule
    missed: int = 0
    attempt: int = 1
    summary: str | None = None
    figures: dict[str, Any] = {}
    findings: tuple[Finding, ...] = ()
    error: str | None = None
    earlier: tuple[dict[str, Any], ...] = ()  # attempts for this due time that were broken off

    @property
    def ok(self) -> bool | None:
        """None while it runs."""
        return None if self.state is State.STARTED else self.state is State.DONE

    @property
    def seconds(self) -> float | None:
        return (self.finished - self.started).total_seconds() if self.finished else None


@dataclass(frozen=True)
class Work:
    """What a built-in in Python gets. It opens its own connections to `dsn`, closes them, and
    raises RepotError, or returns an Outcome with `ok` false, where it fails.

    timeout: seconds left for it, None without a limit; it stops by itself within them.
    stopped: whether somebody wants it to end early; ask now and then in long work.
    """

    dsn: str
    task: str
    settings: Mapping[str, Any]
    due: datetime
    folder: Path
    schema: str = "public"
    time_zone: str = "UTC"
    timeout: float | None = None
    stopped: Callable[[], bool] = lambda: False
    progress: Progress = field(default_factory=Silent)


@dataclass(frozen=True)
class Builtin:
    """A built-in task: a function `repot_upkeep.<name>(settings jsonb) returns jsonb`, or, where
    SQL cannot do the work, `run`.

    check: what is wrong with the settings, a line each; called without a database.
    instead: why pg_cron cannot run it and what to do, where `run` is set.
    """

    name: str
    about: str  # one line, for people
    run: Callable[[Work], Outcome] | None = None
    check: Callable[[Mapping[str, Any]], list[str]] = lambda _: []
    instead: str = ""

    @property
    def in_database(self) -> bool:
        """Whether pg_cron can run it."""
        return self.run is None
