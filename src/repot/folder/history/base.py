"""What every history can do, whoever keeps it."""

from __future__ import annotations

from typing import Protocol

from repot.folder.book import Page
from repot.model.finding import Finding
from repot.model.folder import Entry, Migration


class History(Protocol):
    """One tool's history table on a connection. Names are qualified: no search_path is needed.

    Every method runs in the transaction that is open, or in one of its own.
    """

    @property
    def table(self) -> str:
        """Its name, for people."""

    def exists(self) -> bool:
        """Whether the table is there."""

    def entries(self) -> tuple[Entry, ...]:
        """All rows, oldest first; none where there is no table."""

    def obstacle(self) -> Finding | None:
        """Why the tool itself would not begin a history here (Prisma: the schema is not empty)."""

    def ensure(self) -> None:
        """Create the table where it is missing."""

    def begin(self, migration: Migration) -> str:
        """Say that the migration is about to run; gives the id of this attempt."""

    def finish(self, id: str, page: Page) -> None:
        """Say that it has run; belongs into the transaction of its last statement."""

    def fail(self, id: str, logs: str) -> None:
        """Keep the error's text."""

    def finished(self, id: str, page: Page) -> bool:
        """Whether that attempt is in the history as done."""

    def give_up(self, id: str) -> None:
        """The attempt left nothing, or another one goes on: it counts no more."""

    def resolve_applied(self, page: Page) -> None:
        """It is in the database, and was not run here. Refused `already-applied`."""

    def resolve_rolled_back(self, name: str) -> None:
        """It is not in the database, whatever the history says. Refused `never-applied`,
        `not-failed`."""

    def undo(self, page: Page) -> None:
        """It was applied, and its way back has run: it is pending again. Prisma's rows stay, with
        rolled_back_at; Supabase's goes. Belongs into the transaction of the way back."""
