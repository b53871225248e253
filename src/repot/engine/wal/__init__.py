"""Capture from the WAL, for tables where triggers are not wanted: a logical slot, read with SQL.

The logs that it fills are those of engine.capture; everything behind them stays as it is.
"""

from repot.engine.capture import from_wal as chosen
from repot.engine.wal.choice import available, refuse
from repot.engine.wal.family import refusals
from repot.engine.wal.pump import (
    Pumped,
    behind,
    catch_up,
    flush,
    now_lsn,
    pump,
    pump_seen,
    sources,
    still,
    unread,
)
from repot.engine.wal.slot import create, drop, mark_own
from repot.engine.wal.standing import LOST, Standing, check, standing
from repot.engine.wal.unread import Unread

__all__ = [
    "LOST",
    "Pumped",
    "Standing",
    "Unread",
    "available",
    "behind",
    "catch_up",
    "check",
    "chosen",
    "create",
    "drop",
    "flush",
    "mark_own",
    "now_lsn",
    "pump",
    "pump_seen",
    "refusals",
    "refuse",
    "sources",
    "standing",
    "still",
    "unread",
]
