"""A user's project folder, as read: settings and the texts of its SQL files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field

from repot.model.access import AccessRules
from repot.model.base import Value


class SqlFile(Value):
    """A file of SQL; `path` is relative to the project folder."""

    path: str
    text: str

    @property
    def stem(self) -> str:
        return Path(self.path).stem


class RegistryKind(StrEnum):
    SLUG = "slug"
    UUID = "uuid"
    NUMBER = "number"


class RegistrySetting(Value):
    """A value that needs memory: `registry/<name>.sql` says which keys need one."""

    kind: RegistryKind
    key: tuple[str, ...] = Field(min_length=1)
    text: str | None = None  # slug: the column that it is made of
    order: tuple[str, ...] = ()  # who comes first; the key breaks ties
    within: tuple[str, ...] = ()  # slug: unique among the rows that agree in these key columns
    max_length: int = 80  # slug: characters
    fallback: str = "untitled"  # slug: where the text leaves nothing
    back: str | None = None  # SELECT over V2 of the key and `value`, for what V2 made itself


class DeclaredLink(Value):
    """How a change in `table` finds the keys it touches, where Repot cannot derive it.

    `keys` is a SELECT that returns the scope columns, then one column `repot_link_1` … per entry of
    `columns`; a change of the table touches the keys whose link columns equal the changed values.
    Empty: the captured columns are the scope itself, in its order.
    """

    table: str  # as written: schema.table, or table in the source schema
    columns: tuple[str, ...] = Field(min_length=1)
    keys: str | None = None


class MoveSetting(Value):
    """What Repot could not derive of a move (or of a way back)."""

    key: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    driving: tuple[str, ...] = ()  # one table per UNION ALL arm
    link: tuple[DeclaredLink, ...] = ()


class SourceSetting(Value):
    schema_: str = Field(default="public", alias="schema")
    outside: tuple[str, ...] = ()  # schemas that moves may read and that stay as they are

    model_config = {"populate_by_name": True}


class TargetSetting(Value):
    schema_: str = Field(alias="schema")
    retired: str  # where V1 lives after the cutover
    new: tuple[str, ...] = ()  # V2 tables that no V1 row goes to

    model_config = {"populate_by_name": True}


class CutoverSetting(Value):
    swap: str = Field(default="tables", pattern="^(tables|schema)$")
    lock_timeout_ms: int = Field(default=500, gt=0)
    retries: int = Field(default=30, ge=0)
    grace_days: float = Field(default=7, ge=0)


class CopySetting(Value):
    workers: int = Field(default=2, ge=1, le=64)
    chunk_seconds: float = Field(default=3.0, gt=0)
    max_replication_lag_mb: float | None = None  # wait while a standby is further behind
    max_active_sessions: int | None = None  # wait while more sessions are active


class CaptureSetting(Value):
    """How changes are captured: with triggers, but for the tables that are named here."""

    wal: tuple[str, ...] = ()  # from the WAL; as written: schema.table, or table of V1


class LeaveTable(Value):
    name: str
    reason: str = Field(min_length=1)


class LeaveColumn(Value):
    table: str
    column: str
    reason: str = Field(min_length=1)


class LeaveRows(Value):
    """V1 rows left out on purpose; they are kept in quarantine."""

    table: str
    where: str  # a condition over the table's columns
    reason: str = Field(min_length=1)


class Leave(Value):
    table: tuple[LeaveTable, ...] = ()
    column: tuple[LeaveColumn, ...] = ()
    rows: tuple[LeaveRows, ...] = ()


class Project(Value):
    """Everything a user wrote. `digest` is a SHA-256 over all of it."""

    folder: str
    name: str
    source: SourceSetting
    target: TargetSetting
    cutover: CutoverSetting = CutoverSetting()
    copying: CopySetting = CopySetting()
    capture: CaptureSetting = CaptureSetting()
    registry: dict[str, RegistrySetting] = {}
    move: dict[str, MoveSetting] = {}
    back: dict[str, MoveSetting] = {}
    leave: Leave = Leave()
    target_sql: SqlFile
    moves: dict[str, SqlFile]
    backs: dict[str, SqlFile] = {}
    registries: dict[str, SqlFile] = {}
    checks: dict[str, SqlFile] = {}
    listings: dict[str, SqlFile] = {}  # SELECTs over V1 of what people should see beforehand
    choice: dict[str, str] = {}  # which of several files is meant
    access: AccessRules | None = None  # who may reach which rows of V2
    outside: dict[str, SqlFile] = {}  # run inside the cutover, after the swap (see docs)
    digest: str
