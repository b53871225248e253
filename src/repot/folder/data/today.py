"""What the database is before the first pending statement: its tables, types, extensions."""

from __future__ import annotations

from dataclasses import dataclass

from repot.folder.data.ask import Reader
from repot.folder.data.sql import load
from repot.model.catalog import Catalog
from repot.model.schemas import ALL


@dataclass(frozen=True)
class Enum:
    """An enum type; `shown` as statements name it."""

    shown: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Today:
    """path: the schemas in which a bare name of the files is looked up; extensions: those that can
    be created, with whether they are there."""

    catalog: Catalog
    setting: str
    path: tuple[str, ...]
    enums: dict[tuple[str, str], Enum]
    extensions: dict[str, bool]
    views: frozenset[tuple[str, str]]
    not_valid: frozenset[tuple[str, str, str]]


def look(reader: Reader) -> Today:
    """Read it in the reader's snapshot; afterwards the search_path is the role's own.

    Raises Unknown where somebody alters a table for long.
    """
    schemas = [str(r[0]) for r in reader.rows(load("schemas.sql"), {"own": list(ALL)})]
    catalog = reader.catalog(schemas)
    setting, path = reader.rows(load("path.sql"))[0]
    enums = {(s, n): Enum(shown, tuple(v)) for s, n, shown, v in reader.rows(load("enums.sql"))}
    extensions = {str(n): bool(there) for n, there in reader.rows(load("extensions.sql"))}
    views = frozenset((str(s), str(n)) for s, n in reader.rows(load("others.sql")))
    late = frozenset((str(s), str(t), str(k)) for s, t, k in reader.rows(load("not_valid.sql")))
    reader.use_path(str(setting))
    return Today(catalog, str(setting), tuple(path), enums, extensions, views, late)
