"""Where a project's migrations are, and whose layout they have."""

from __future__ import annotations

from pathlib import Path

from repot.model.errors import UsageError
from repot.model.folder import Layout

PRISMA_FILE = "migration.sql"
# Where the tools themselves put them, seen from the project's root.
_USUAL = ("prisma/migrations", "supabase/migrations", "migrations", "db/migrations")


def find(path: Path) -> tuple[Path, Layout]:
    """The folder of migrations at `path` or in its usual place below, and its layout.

    Raises UsageError `no-migrations`.
    """
    candidates = [path, *(path / usual for usual in _USUAL)]
    found = [(f, layout) for f in candidates if f.is_dir() and (layout := _layout(f)) is not None]
    if len(found) > 1 and found[0] == (path, Layout.PLAIN):
        return found[1]  # other SQL of the project beside its migrations, such as target.sql
    if found:
        return found[0]
    raise UsageError(
        "no-migrations",
        f"there are no migrations in {path}",
        evidence="looked in: " + ", ".join(str(c) for c in candidates),
        hint="name the folder that holds <timestamp>_<name>/migration.sql (Prisma) or "
        "<timestamp>_<name>.sql (Supabase, plain SQL)",
    )


def _layout(folder: Path) -> Layout | None:
    entries = sorted(folder.iterdir())
    locked = (folder / "migration_lock.toml").is_file()
    if locked or any((e / PRISMA_FILE).is_file() for e in entries if e.is_dir()):
        return Layout.PRISMA
    if any(e.suffix == ".sql" and e.is_file() for e in entries):
        return Layout.SUPABASE if folder.parent.name == "supabase" else Layout.PLAIN
    return None
