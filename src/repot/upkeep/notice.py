"""What a daemon says while it works."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from repot.model.base import Value
from repot.model.upkeep import Entry


class What(StrEnum):
    STARTED = "started"
    RAN = "ran"
    RELOADED = "reloaded"  # upkeep.toml has changed and is in force
    IGNORED = "ignored"  # it has changed, is wrong, and what was read before is in force
    TROUBLE = "trouble"  # no connection, or a run that could not be begun; it is tried again
    BACK = "back"  # the connection is there again
    STOPPING = "stopping"
    STOPPED = "stopped"


class Notice(Value):
    """One line. `entry` is the run, where one has ended; `at` is UTC."""

    what: What
    at: datetime
    text: str
    entry: Entry | None = None
