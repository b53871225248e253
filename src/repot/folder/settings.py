"""What a project declares of its migrations, in the table [migrations] of repot.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from repot.model.base import Value
from repot.model.errors import UsageError
from repot.model.names import Name

FILE = "repot.toml"


class Settings(Value):
    """keep: tables whose rows no migration may delete; a bare name means it in any schema."""

    keep: tuple[str, ...] = ()

    def kept(self, table: Name) -> bool:
        """Whether the rows of this table are to be kept."""
        return table.name in self.keep or f"{table.schema_}.{table.name}" in self.keep


def read_settings(*places: Path) -> Settings:
    """From the first of these folders that has a repot.toml; else the defaults.

    Raises UsageError `settings-invalid`.
    """
    for place in _distinct(places):
        file = place / FILE
        if file.is_file():
            return _read(file)
    return Settings()


def project_places(path: Path, folder: Path) -> tuple[Path, ...]:
    """Where repot.toml may be: where the user pointed to, the folder of migrations, above it."""
    return (path, folder, folder.parent, folder.parent.parent)


def _distinct(places: Iterable[Path]) -> list[Path]:
    return list(dict.fromkeys(p.resolve() for p in places))


def _read(file: Path) -> Settings:
    try:
        table = tomllib.loads(file.read_text("utf-8")).get("migrations", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise UsageError("settings-invalid", f"{file} cannot be read", evidence=str(wrong)) from (
            wrong
        )
    keep = table.get("keep", []) if isinstance(table, dict) else []
    if not isinstance(keep, list) or not all(isinstance(name, str) for name in keep):
        raise UsageError(
            "settings-invalid",
            f"migrations.keep in {file} is not a list of tables",
            hint='write keep = ["Order", "auth.users"]',
        )
    return Settings(keep=tuple(keep))
