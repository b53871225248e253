"""From a folder on disk to its migrations in order, with all that is wrong with its files."""

from repot.folder.reading.read import read_folder

__all__ = ["read_folder"]
