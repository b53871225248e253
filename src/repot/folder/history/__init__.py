"""Where a database says which migrations it has: each tool's own table, and what Repot adds."""

from repot.folder.history.base import History
from repot.folder.history.open import open_history
from repot.folder.history.own import Event, Kind, Own

__all__ = ["Event", "History", "Kind", "Own", "open_history"]
