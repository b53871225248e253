"""What stages return and record as evidence."""

from __future__ import annotations

from datetime import datetime

from repot.model.access import Access
from repot.model.base import Value


class Difference(Value):
    """One row in which a view and its table disagree."""

    table: str
    key: dict[str, str | None]
    kind: str  # missing (in the table), extra (in the table), changed, duplicate (in the view)
    columns: dict[str, tuple[str | None, str | None]] = {}  # column: (view, table), changed only


class TableProof(Value):
    table: str
    rows_compared: int  # rows of the view and the table that were looked at together
    view_rows: int
    table_rows: int
    missing: int
    extra: int
    changed: int
    duplicates: int = 0  # view rows beyond the first for one key
    not_compared: tuple[str, ...] = ()  # not given by the view, with a volatile default
    examples: tuple[Difference, ...] = ()
    ms: int = 0

    @property
    def differences(self) -> int:
        return self.missing + self.extra + self.changed + self.duplicates


class Account(Value):
    """Where the rows of one V1 table went: moved + merged + split + left + pending + unaccounted =
    rows."""

    table: str
    rows: int
    moved: int = 0  # into one V2 row that is made of it alone
    merged: int = 0  # into a V2 row made of several rows
    split: int = 0  # into several V2 rows of one table
    left: int = 0  # left out by a rule of leave.toml
    quarantined: int = 0  # of those, kept in quarantine
    pending: int = 0  # written in the moment of the proof, on their way
    unaccounted: int = 0
    whole: bool = False  # the table is left behind as a whole, where it is
    into: dict[str, int] = {}  # V2 table: rows of this table that reached it
    rules: dict[str, int] = {}  # reason of a rule: rows it left out
    examples: tuple[str, ...] = ()  # keys of unaccounted rows


class Trip(Value):
    """One V1 column on its way to V2 and back."""

    table: str
    column: str
    verdict: str  # carried, invertible, lost, left
    rows_changed: int = 0  # rows whose value does not come back
    distinct_lost: int = 0  # distinct values among them
    why: str = ""


class CheckResult(Value):
    """failing_rows: in every look that was taken; a row that V1's writers have just written may
    fail in one of them, while it is on its way."""

    file: str
    failing_rows: int
    examples: tuple[str, ...] = ()
    looks: int = 1


class Verdict(Value):
    """A full proof: passed only if rows were compared and nothing differs."""

    passed: bool
    at: datetime
    snapshot: str
    plan_digest: str
    tables: tuple[TableProof, ...]
    accounts: tuple[Account, ...]
    trips: tuple[Trip, ...]
    checks: tuple[CheckResult, ...]
    access: Access | None = None  # None: there is no access.toml
    rows_compared: int
    differences: int
    reasons: tuple[str, ...] = ()  # why it did not pass
    # While V1 was written: scopes that waited in the snapshot, rows proven in later ones, and
    # scopes left to the cutover, which proves them under its locks.
    set_aside: int = 0
    proven_later: int = 0
    left: int = 0
    ms: int = 0


class TestedBackup(Value):
    """A backup that was restored into a scratch database and counted."""

    __test__ = False

    path: str
    at: datetime
    bytes: int
    rows: dict[str, int]  # per table, as dumped
    restored: dict[str, int]  # per table, as counted in the scratch database
    server_version: int
    ms: int = 0


class TableCopy(Value):
    table: str
    rows: int
    chunks: int
    ms: int


class CopyResult(Value):
    tables: tuple[TableCopy, ...]
    rows: int
    ms: int
    resumed: bool = False
    registries: dict[str, int] = {}  # values given, by registry
    quarantined: dict[str, int] = {}  # V1 rows left out and kept, by table


class PoisonRow(Value):
    """A scope of a derived table that could not be applied, set aside."""

    name: str  # the derived table
    scope: tuple[str, ...]  # as texts; empty: the whole table
    error: str  # the server's words, without its detail (which quotes rows)
    sqlstate: str


class DrainResult(Value):
    """Captured changes applied."""

    changes: int  # log rows consumed
    keys: int  # scopes re-derived
    written: int  # rows inserted, updated or deleted
    tables: dict[str, int] = {}
    poison: tuple[PoisonRow, ...] = ()  # set aside
    conflicts: int = 0  # both ways at once: rows that were changed on both sides
    noted: int = 0  # scopes that its own writes have left to the next batch


class FollowResult(Value):
    """What a follower did until it was stopped."""

    direction: str  # forward, back, both
    changes: int  # log rows consumed
    keys: int  # scopes re-derived
    written: int  # rows inserted, updated or deleted
    batches: int
    conflicts: int = 0  # both ways at once: rows changed on both sides
    poison: int = 0  # scopes set aside at the end
    pending: int = 0  # changes and scopes that wait at the end
    max_lag_seconds: float = 0.0  # the longest that a change waited, of those seen
    seconds: float = 0.0


class CutoverResult(Value):
    pause_ms: float  # from the last lock granted to the commit
    locked_ms: float  # from the first lock granted to the commit
    attempts: int
    tables: int
    at: datetime
    drained: int = 0  # changes of V1 applied under the locks
    proven: int = 0  # rows of V2 written since the last proof, compared under the locks


class RollbackResult(Value):
    pause_ms: float
    attempts: int
    carried: dict[str, int] = {}  # V1 table: rows written by the reverse apply
    not_carried: tuple[Difference, ...] = ()
    not_carried_rows: int = 0
    at: datetime
