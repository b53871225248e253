"""What a demo showed, as values."""

from __future__ import annotations

from repot.demo.load import Figures
from repot.model.access import Access
from repot.model.base import Value
from repot.model.checks import CheckReport
from repot.model.listing import Listing
from repot.model.results import Account, CutoverResult, RollbackResult, Verdict


class Writes(Value):
    """Writes made on V2 by the application, and what became of them in V1 after the rollback."""

    acknowledged: int
    missing: int
    rows_carried: int
    v1_rows_changed: int  # rows of V1 that are not as they were before the cutover
    v1_rows_unexplained: int  # of those, more than the writes account for


class Switched(Value):
    """A cutover or a rollback, and what the application saw of it."""

    longest_wait_ms: float  # the longest statement of any writer, from before the locks to after


class DemoResult(Value):
    """What the demo showed; `ok` only if every figure is as it must be."""

    ok: bool
    system: str
    rows: int
    seconds: float
    steps: dict[str, float]  # seconds
    accounts: tuple[Account, ...]
    verdicts: tuple[Verdict, ...]
    cutovers: tuple[CutoverResult, ...]
    rollback: RollbackResult
    writes: Writes
    traffic: Figures | None  # None: nobody wrote meanwhile
    waits: tuple[Switched, ...] = ()  # by switch: cutover, rollback, cutover again
    report: str | None


class Equality(Value):
    """Whether two databases have the same schema and the same rows."""

    tables: int
    rows: int
    schema_differences: tuple[str, ...] = ()  # lines of one side's catalogs, + or - before them
    row_differences: dict[str, int] = {}  # table → rows that only one side has

    @property
    def equal(self) -> bool:
        """Something was compared, and nothing differs."""
        return self.rows > 0 and not self.schema_differences and not self.row_differences


class Chapter(Value):
    """One turn of a story: what happened, and whether it was what must happen."""

    title: str
    ok: bool
    said: str = ""


class FolderResult(Value):
    """A folder of migrations that was deployed."""

    applied: int
    seconds: float


class BothWays(DemoResult):
    """A system that is changed both ways, as a move and as a folder; and the folder's story."""

    folder: FolderResult
    both_ways: Equality
    story: tuple[Chapter, ...]


class Secured(DemoResult):
    """A system whose V2 was checked and whose access was tried, when it served for the first time.

    listings: every row that people should see before they decide.
    """

    listings: tuple[Listing, ...]
    checks: CheckReport
    access: Access
