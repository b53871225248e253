"""An upkeep.toml that may change while it is in force."""

from __future__ import annotations

from pathlib import Path

from repot.model.errors import UsageError
from repot.model.upkeep import Upkeep
from repot.project.upkeep import files_of, load_upkeep
from repot.upkeep.builtins import wrong_with

Marks = tuple[tuple[str, int, int] | None, ...]


class Watch:
    """The upkeep that is in force. Raises as `load_upkeep` does, when it is made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.upkeep = load_upkeep(folder, wrong_with)
        self._marks = self._look()

    def fresh(self) -> Upkeep | None:
        """What its files say now, if they were written since; `accept` puts it in force.

        Raises UsageError, once for each change, where they cannot be used.
        """
        marks = self._look()
        if marks == self._marks:
            return None
        self._marks = marks
        try:
            found = load_upkeep(self._folder, wrong_with)
        except OSError as failed:
            raise UsageError("upkeep-invalid", f"upkeep.toml cannot be read: {failed}") from failed
        return None if found.digest == self.upkeep.digest else found

    def accept(self, upkeep: Upkeep) -> None:
        self.upkeep = upkeep
        self._marks = self._look()  # other files may belong to it

    def _look(self) -> Marks:
        return tuple(_mark(file) for file in files_of(self._folder, self.upkeep))


def _mark(file: Path) -> tuple[str, int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return str(file), stat.st_mtime_ns, stat.st_size
