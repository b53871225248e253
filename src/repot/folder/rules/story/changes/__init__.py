"""What each sort of statement does to the world."""

from __future__ import annotations

from collections.abc import Callable

from repot.folder.rules.story.changes import alter, data, drops, indexes, others, renames, tables
from repot.folder.rules.story.step import Step
from repot.folder.rules.story.world import World

HANDLERS: dict[str, Callable[[World, Step], None]] = {
    **tables.HANDLERS,
    **alter.HANDLERS,
    **indexes.HANDLERS,
    **renames.HANDLERS,
    **drops.HANDLERS,
    **others.HANDLERS,
    **data.HANDLERS,
}

__all__ = ["HANDLERS"]
