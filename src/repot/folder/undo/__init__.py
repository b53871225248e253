"""Undoing migrations: ways back, what they would lose, the archive of it, and bringing it back."""

from repot.folder.undo.choose import Which
from repot.folder.undo.restore import OnConflict, read_archive, restore
from repot.folder.undo.run import UndoOptions, rollback

__all__ = ["OnConflict", "UndoOptions", "Which", "read_archive", "restore", "rollback"]
