"""Where V2 and V1 stand, for trying who may reach what in them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from repot.engine.access import Place, compare, try_access
from repot.lifecycle.evidence import keep_where_allowed
from repot.model.access import Access, AccessRules, Comparison
from repot.model.errors import Refused, UsageError
from repot.model.progress import Progress
from repot.model.project import Project
from repot.model.state import Phase, Run
from repot.postgres.connect import connection
from repot.postgres.state import current_run
from repot.postgres.trouble import explained
from repot.project.access import load_access


def access_of_project(
    dsn: str, project: Project, progress: Progress, *, schema: str | None, only: Collection[str]
) -> Access:
    """The matrix of V2, or of `schema`; kept as evidence of the run where all tables were tried.

    Raises UsageError `no-access`; Refused `access-no-v2`, and as `try_access`.
    """
    rules = _rules(project)
    with explained("access"):
        with connection(dsn, application="repot access") as conn:
            run = current_run(conn, project.name)
            v2, v1 = _places(run, project)
        place = _chosen(schema, v2, v1) if schema else v2
        if place is None:
            raise _no_v2(run)
        access = try_access(dsn, rules, place, progress, only=only)[0]
        if run is not None and not only:
            with connection(dsn, application="repot access") as conn:
                question = f"who may reach which rows of {access.schema_}?"
                answer = access.brief().model_dump(mode="json")
                keep_where_allowed(conn, run.id, "access", question, answer)
        return access


def compare_project(
    dsn: str, project: Project, progress: Progress, *, only: Collection[str]
) -> Comparison:
    """The matrices of V1 and V2, as the same people. Raises as `access_of_project`, and Refused
    `access-no-v1`."""
    rules = _rules(project)
    with explained("access"):
        with connection(dsn, application="repot access") as conn:
            run = current_run(conn, project.name)
            v2, v1 = _places(run, project)
        if v2 is None:
            raise _no_v2(run)
        if v1 is None:
            raise Refused(
                "access-no-v1",
                "V1 is gone: there is nothing to compare V2 with",
                hint="`repot access` shows V2 alone",
            )
        after, people = try_access(dsn, rules, v2, progress, only=only)
        before, _ = try_access(dsn, rules, v1, progress, people, only=only)
    return compare(before, after)


def access_of_folder(
    dsn: str, folder: Path, progress: Progress, *, schema: str | None, only: Collection[str]
) -> Access:
    """The matrix of a schema, where access.toml stands alone.

    Raises UsageError `no-access`, `access-invalid`, `access-schema`; Refused as `try_access`.
    """
    rules = load_access(folder)
    name = schema or rules.schema_
    if name is None:
        raise UsageError(
            "access-schema",
            "nothing says which schema is to be tried",
            hint='write schema = "public" at the top of access.toml, or give --schema',
        )
    with explained("access"):
        return try_access(dsn, rules, Place(name, "schema"), progress, only=only)[0]


def _rules(project: Project) -> AccessRules:
    if project.access is None:
        raise UsageError(
            "no-access",
            f"there is no access.toml in {project.folder}",
            hint="docs/howto/test-row-level-security.md starts one",
        )
    if project.access.schema_ not in (None, project.source.schema_):
        raise UsageError(
            "access-schema",
            f"access.toml is about the schema {project.access.schema_}, and the project's V2 "
            f"serves in {project.source.schema_}",
            hint="leave schema out of access.toml: in a project Repot knows where V2 stands",
        )
    return project.access


def _places(run: Run | None, project: Project) -> tuple[Place | None, Place | None]:
    """Where V2 and V1 stand now."""
    source, target = project.source.schema_, project.target
    phase = run.phase if run else None
    if phase in (None, Phase.PLANNED):
        return None, Place(source, "v1")
    if phase is Phase.CUT_OVER:
        return Place(source, "v2"), Place(target.retired, "v1", usage=True)
    if phase is Phase.CLEANED:
        return Place(source, "v2"), None
    return Place(target.schema_, "v2", usage=True), Place(source, "v1")


def _chosen(schema: str, v2: Place | None, v1: Place | None) -> Place:
    known = (p for p in (v2, v1) if p is not None and p.schema == schema)
    return next(known, Place(schema, "schema"))


def _no_v2(run: Run | None) -> Refused:
    return Refused(
        "access-no-v2",
        "V2 is not there yet" + ("" if run is None else f": run {run.id} is {run.phase.value}"),
        hint="`repot copy` builds it; --schema tries what is there now",
    )
