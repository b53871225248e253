"""manifest.json: what a backup consists of, and what was counted in it."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path

from repot.model.base import Value
from repot.model.errors import RepotError

FILE = "manifest.json"
DUMP = "dump"  # the folder that pg_dump wrote
CONTENTS = "restore.list"  # its table of contents without what cannot be restored: pg_restore -L


class DumpFile(Value):
    path: str  # relative to the backup's folder
    bytes: int
    sha256: str


class Tested(Value):
    """The test: where it was restored, and what was counted there."""

    at: datetime
    where: str  # embedded, same, or another server
    server_version: int  # of the scratch server
    rows: dict[str, int]


class Manifest(Value):
    format: int = 1
    at: datetime
    database: str
    server_version: int
    tool: str  # pg_dump's own words
    compression: str
    snapshot: str
    schemas: tuple[str, ...] | None  # None: all
    excluded: tuple[str, ...]  # Repot's own schemas
    roles: tuple[str, ...]  # must be there before a restore
    left_out: tuple[str, ...] = ()  # entries that the test did not restore, and restore.list omits
    rows: dict[str, int]  # per table, counted in the dump's own snapshot
    files: tuple[DumpFile, ...]
    bytes: int
    tested: Tested | None = None  # None: not (yet) a backup


def listed(folder: Path) -> tuple[DumpFile, ...]:
    """The files below `folder`/dump with sizes and SHA-256, by path."""
    found = sorted(p for p in (folder / DUMP).rglob("*") if p.is_file())
    return tuple(
        DumpFile(path=str(p.relative_to(folder)), bytes=p.stat().st_size, sha256=_digest(p))
        for p in found
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder: Path, manifest: Manifest) -> None:
    """Write it in one step: a reader sees the old or the new one, whole."""
    part = folder / f".{FILE}.part"
    with part.open("w", encoding="utf-8") as file:
        file.write(manifest.model_dump_json(indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / FILE)


def check_files(folder: Path) -> Manifest:
    """The manifest of a tested backup whose files are all as they were when it was made.

    Raises RepotError `backup-changed`, with each file that is missing or different, and
    `backup-untested` where there is no manifest or no passed test in it.
    """
    try:
        manifest = Manifest.model_validate_json((folder / FILE).read_bytes())
    except FileNotFoundError:
        manifest = None
    if manifest is None or manifest.tested is None:
        raise RepotError(
            "backup-untested",
            f"{folder} holds no tested backup",
            hint="`repot backup` makes one",
        )
    there = {f.path: f for f in listed(folder)}
    wrong = [f.path for f in manifest.files if there.get(f.path) != f]
    wrong += [path for path in there if path not in {f.path for f in manifest.files}]
    if wrong:
        raise RepotError(
            "backup-changed",
            f"{len(wrong)} files of the backup {folder} are not as they were made",
            evidence="\n".join(sorted(wrong)[:10]),
            hint="the disk or somebody changed them: make a new backup",
        )
    return manifest
