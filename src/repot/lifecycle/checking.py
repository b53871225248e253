"""The checks of a folder, at the place where what they speak of stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from repot.engine.checking import Place, find_place, run_checks
from repot.lifecycle.evidence import keep_where_allowed
from repot.model.checks import Checking, CheckReport
from repot.model.errors import UsageError
from repot.model.progress import Progress
from repot.model.project import Project
from repot.postgres.connect import Connection, connection
from repot.postgres.trouble import explained
from repot.project import load_project
from repot.project.checks import load_checks
from repot.project.load import SETTINGS


@dataclass(frozen=True)
class Folder:
    """A folder as the checks see it; project: None where there is no repot.toml."""

    project: Project | None
    checking: Checking


def open_folder(folder: Path) -> Folder:
    """The folder's checks. Raises UsageError `no-checks`, `checks-invalid`, `project-invalid`."""
    project = load_project(folder) if (folder / SETTINGS).is_file() else None
    checking = load_checks(folder, project.checks if project else None)
    if project and checking.schema_ not in (None, project.source.schema_):
        raise UsageError(
            "checks-schema",
            f"checks.toml is about the schema {checking.schema_}, and the project's V2 serves in "
            f"{project.source.schema_}",
            hint="leave schema out of checks.toml: in a project Repot knows where V2 stands",
        )
    return Folder(project, checking)


def check_folder(dsn: str, folder: Path, schema: str | None, progress: Progress) -> CheckReport:
    """Run the checks of `folder`; schema: look there, whoever made it.

    Raises as `open_folder`; UsageError `check-no-schema`, `checks-schema`; Refused `no-target`.
    """
    opened = open_folder(folder)
    with explained("check"):
        with connection(dsn, application="repot check") as conn:
            place = _place(conn, opened, schema)
        report = run_checks(dsn, opened.checking, place, progress)
        if place.run is not None:
            with connection(dsn, application="repot check") as conn:
                question = f"is in {report.schema_} what must be there, and does it behave?"
                answer = report.model_dump(mode="json", by_alias=True)
                keep_where_allowed(conn, place.run, "check", question, answer)
    return report


def _place(conn: Connection, opened: Folder, schema: str | None) -> Place:
    if schema is not None:
        return Place(schema)
    if opened.project is not None:
        return find_place(conn, opened.project)
    if opened.checking.schema_ is None:
        raise UsageError(
            "checks-schema",
            "nothing says which schema is to be checked",
            hint='write schema = "public" into checks.toml, or give --schema',
        )
    return Place(opened.checking.schema_)
