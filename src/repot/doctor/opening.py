"""What the examined folder says: a project, checks, declared troubles, a folder of migrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from repot.doctor.visit import Visit
from repot.engine.checking import Place, find_place
from repot.folder.book import open_book
from repot.model.doctor import Limits
from repot.model.errors import Refused, UsageError
from repot.project import load_project
from repot.project.checks import has_checks, load_checks
from repot.project.doctor import load_doctor
from repot.project.load import SETTINGS

_MIGRATIONS = ("supabase/migrations", "prisma/migrations")


def open_folder(folder: Path, migrations: Path | None, limits: Limits | None) -> dict[str, Any]:
    """What a visit takes from the folder. Raises UsageError as the loaders do."""
    project = load_project(folder) if (folder / SETTINGS).is_file() else None
    declared = load_doctor(folder)
    if limits is not None:
        declared = declared.model_copy(update={"limits": limits})
    checking = None
    if has_checks(folder):
        checking = load_checks(folder, project.checks if project else None)
    known = [folder / path for path in _MIGRATIONS if (folder / path).is_dir()]
    place = migrations or (known[0] if known else None)
    return {
        "project": project,
        "declared": declared,
        "checking": checking,
        "migrations": open_book(place) if place else None,
    }


def stand(visit: Visit, schema: str | None) -> None:
    """Say where the folder's bare names are: the schema given, else where the project's V2 is, else
    what the files say.

    Raises UsageError `doctor-schema` where troubles are declared and nothing says where.
    """
    if schema is not None:
        visit.place = Place(schema)
        return
    if visit.project is not None:
        try:
            visit.place = find_place(visit.conn, visit.project)
        except Refused as missing:
            visit.no_place = missing.message
        return
    named = visit.declared.schema_ or (visit.checking.schema_ if visit.checking else None)
    if named is None and (visit.declared.troubles or visit.checking):
        raise UsageError(
            "doctor-schema",
            "nothing says which schema the folder's troubles are about",
            hint='write schema = "public" into doctor.toml, or give --schema',
        )
    visit.place = Place(named) if named else None
