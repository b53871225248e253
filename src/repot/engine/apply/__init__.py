"""Applying captured changes: the keys that changed are derived anew, in the transaction that takes
them off the log. A crash repeats at worst; order does not matter."""

from repot.engine.apply.drain import drain

__all__ = ["drain"]
