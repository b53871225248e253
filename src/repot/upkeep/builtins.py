"""The built-ins, as the rest of upkeep sees them: `repot.upkeep.care` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repot.model.upkeep import Builtin, Task
from repot.upkeep import care


def builtins() -> Mapping[str, Builtin]:
    """All of them, by name."""
    return care.BUILTINS


def wrong_with(name: str, settings: Mapping[str, Any]) -> list[str]:
    """What is wrong with a task that says `care = name`, a line each; without a database."""
    known = builtins()
    if name not in known:
        return [f"there is no built-in {name}; there are: {', '.join(sorted(known)) or 'none'}"]
    return known[name].check(settings)


def in_database(task: Task) -> bool:
    """Whether the database can run it by itself, by pg_cron."""
    if task.care is not None:
        return builtins()[task.care].in_database
    return task.sql is not None
