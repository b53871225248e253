"""What upkeep can do, as functions; `repot upkeep` calls these."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from repot.model.progress import Progress
from repot.model.upkeep import Entry, Upkeep
from repot.postgres.trouble import explained
from repot.project.upkeep import load_upkeep
from repot.upkeep import history as fares
from repot.upkeep import once, pgcron
from repot.upkeep.builtins import wrong_with
from repot.upkeep.daemon import Daemon
from repot.upkeep.notice import Notice


def load(folder: Path) -> Upkeep:
    """The tasks of the folder's upkeep.toml.

    Raises UsageError `no-upkeep`, `upkeep-invalid` with every problem.
    """
    return load_upkeep(folder, wrong_with)


def run(
    folder: Path, dsn: str, name: str | None = None, progress: Progress | None = None
) -> tuple[Entry, ...]:
    """Run what is due now, or the task that is named. Failed tasks are no error here.

    Raises as `load`; Refused `upkeep-busy`, `upkeep-other-role`, `upkeep-no-rights`.
    """
    upkeep = load(folder)
    with explained("upkeep"):
        if name is not None:
            return (once.run_one(dsn, upkeep, name, progress=progress),)
        return once.run_due(dsn, upkeep, progress=progress)


def daemon(folder: Path, dsn: str, tell: Callable[[Notice], None]) -> Daemon:
    """A runner that works until it is stopped. Raises as `load`."""
    return Daemon(dsn, folder, tell)


def history(folder: Path, dsn: str, task: str | None = None, limit: int = 20) -> fares.History:
    """How the tasks have fared. Raises as `load`; UsageError `upkeep-no-task`."""
    upkeep = load(folder)
    if task is not None:
        once.known(upkeep, task)
    with explained("upkeep"):
        return fares.history(dsn, upkeep, task=task, limit=limit)


def install(
    folder: Path,
    dsn: str,
    *,
    remove: bool = False,
    dry_run: bool = False,
    home: str | None = None,
) -> pgcron.Installed:
    """The tasks as jobs of pg_cron, or their jobs taken out. home: the database it lives in.

    Raises as `load`; Refused `no-pg-cron`, `pg-cron-no-rights`, `pg-cron-name-taken`,
    `upkeep-zones-differ`.
    """
    upkeep = load(folder)
    with explained("upkeep"):
        if remove:
            return pgcron.remove(dsn, upkeep, dry_run=dry_run, home=home)
        return pgcron.install(dsn, upkeep, dry_run=dry_run, home=home)
