"""What undoing migrations would lose, what was kept of it, and what came back."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from repot.model.base import Value
from repot.model.errors import Exit
from repot.model.finding import Finding


class LossKind(StrEnum):
    """What of a table goes."""

    ROWS = "rows"  # whole rows
    VALUES = "values"  # single values of rows that stay


class Parent(Value):
    """Rows of another table that stay, and to which lost rows belong by a foreign key.

    owns: ON DELETE CASCADE, so the lost rows are a part of them; keys: each as people write it,
    without repeats; count: all of them, however many keys are named.
    """

    table: str
    constraint: str
    columns: tuple[str, ...]
    owns: bool
    count: int
    keys: tuple[str, ...]


class Loss(Value):
    """What one table loses by undoing one migration.

    count: rows, or values; rows: how many rows are concerned; key: the columns that name a row,
    empty where the table has none; columns: values lost by column; examples: the rows' keys (the
    whole row where there is none).
    """

    migration: str
    table: str
    kind: LossKind
    why: str
    count: int
    rows: int
    key: tuple[str, ...] = ()
    columns: dict[str, int] = {}
    examples: tuple[str, ...] = ()
    parents: tuple[Parent, ...] = ()
    archive: str | None = None


class Step(Value):
    """A statement of the way back. file, line: of down.sql, or of the statement that it undoes."""

    sql: str
    file: str
    line: int


class Undone(Value):
    """One migration and its way back. derived: worked out from the file, not written by hand."""

    name: str
    derived: bool
    steps: tuple[Step, ...]


class Undoing(Value):
    """What a rollback did, or would do.

    migrations: newest first; rollback: the number under which the archive keeps what was lost, if
    anything was; done: it is committed; refused: nothing was changed.
    """

    migrations: tuple[Undone, ...]
    losses: tuple[Loss, ...] = ()
    findings: tuple[Finding, ...] = ()
    rollback: int | None = None
    done: bool = False
    refused: bool = False
    on_copy: bool = False
    attempts: int = 1
    ms: float = 0

    @property
    def exit(self) -> Exit:
        return Exit.REFUSED if self.refused else Exit.DONE


class Kept(Value):
    """One table of the archive. key: of the lost rows; `archive` is its own name."""

    id: int
    rollback: int
    migration: str
    table: str
    kind: LossKind
    why: str
    archive: str
    count: int
    rows: int
    key: tuple[str, ...]
    restored: int = 0  # by all restores so far


class Archived(Value):
    """One rollback in the archive."""

    id: int
    at: datetime
    who: str
    what: str  # rollback, or restore: rows that a restore put others in the place of
    kept: tuple[Kept, ...]


class Returned(Value):
    """What became of one table of the archive. archived = restored + already + refused."""

    kept: int
    table: str
    kind: LossKind
    archived: int
    restored: int
    already: int
    refused: int
    displaced: int = 0  # of the restored: where something else stood; that is in the archive now


class Restoration(Value):
    """What a restore did; refused: nothing was changed."""

    rollback: int
    tables: tuple[Returned, ...] = ()
    findings: tuple[Finding, ...] = ()
    displaced: int | None = None  # the number under which the archive keeps what was displaced
    refused: bool = False

    @property
    def exit(self) -> Exit:
        return Exit.REFUSED if self.refused else Exit.DONE
