"""Where V2 stands now: in a schema of its own, or in the place of V1."""

from __future__ import annotations

from dataclasses import dataclass

from repot.engine.checking.sql import load
from repot.model.errors import Refused
from repot.model.project import Project
from repot.postgres.connect import Connection
from repot.postgres.state import current_run


@dataclass(frozen=True)
class Place:
    """The schema that is looked at. in_place: what is there serves; run: Repot's, if any."""

    schema: str
    in_place: bool = True
    run: int | None = None


def find_place(conn: Connection, project: Project) -> Place:
    """The schema that V2's tables are in. Refused `no-target` where there is no V2."""
    run = current_run(conn, project.name)
    found = None
    if run is not None:
        found = conn.execute(load("place.sql").encode(), {"run": run.id}).fetchone()
    if run is None or found is None:
        raise Refused(
            "no-target",
            f"{project.name} has no V2 in this database"
            + (f": run {run.id} is {run.phase.value}" if run else ""),
            hint="`repot copy` builds it; --schema NAME looks at what is in a schema, "
            "whoever made it",
        )
    schema = str(found[0])
    return Place(schema, in_place=schema == project.source.schema_, run=run.id)
