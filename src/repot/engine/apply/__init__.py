"""Applying captured changes: the keys that changed are derived anew, in the transaction that takes
them off the log. A crash repeats at worst; order does not matter."""

from repot.engine.apply.drain import (
    LIMIT,
    PATIENCE,
    apply_share,
    both_now,
    both_ways,
    catch_up,
    drain,
    locate,
    retry_poison,
    step,
    step_both,
)
from repot.engine.apply.scope import Bucket

__all__ = [
    "LIMIT",
    "PATIENCE",
    "Bucket",
    "apply_share",
    "both_now",
    "both_ways",
    "catch_up",
    "drain",
    "locate",
    "retry_poison",
    "step",
    "step_both",
]
