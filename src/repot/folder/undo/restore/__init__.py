"""Bringing back what the archive keeps."""

from repot.folder.undo.restore.run import OnConflict, read_archive, restore

__all__ = ["OnConflict", "read_archive", "restore"]
