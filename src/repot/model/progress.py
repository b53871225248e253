"""How a stage tells what it is doing, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Listeners must be cheap and may be called from several threads."""

    def start(self, key: str, title: str, total: int | None, unit: str) -> None:
        """A piece of work begins; `total` in `unit` (rows, tables …), None where unknown."""

    def advance(self, key: str, by: int) -> None:
        """`by` more of it are done."""

    def note(self, key: str, text: str) -> None:
        """What is to be known of it now, such as how far behind it is."""

    def finish(self, key: str, note: str = "") -> None:
        """It is done."""

    def say(self, text: str) -> None:
        """One line about what happens."""


class Silent:
    """Says nothing."""

    def start(self, key: str, title: str, total: int | None, unit: str) -> None: ...

    def advance(self, key: str, by: int) -> None: ...

    def note(self, key: str, text: str) -> None: ...

    def finish(self, key: str, note: str = "") -> None: ...

    def say(self, text: str) -> None: ...
