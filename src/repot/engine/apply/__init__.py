"""Applying captured changes: the keys that changed are derived anew, in the transaction that takes
them off the log. A crash repeats at worst; order does not matter."""

from repot.engine.apply.drain import apply_share, catch_up, drain, locate, retry_poison, step
from repot.engine.apply.scope import Bucket

__all__ = ["Bucket", "apply_share", "catch_up", "drain", "locate", "retry_poison", "step"]
