"""A new project folder, with every kind of file explained where it stands."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from repot.model.errors import UsageError

_FILES = {
    "repot.toml": "repot.toml.j2",
    "target.sql": "target.sql.j2",
    "leave.toml": "leave.toml.j2",
    "moves/README.md": "moves.md.j2",
    "back/README.md": "back.md.j2",
    "checks/README.md": "checks.md.j2",
    ".gitignore": "gitignore.j2",
}


def scaffold(
    folder: Path, *, source: str, target: str | None = None, retired: str | None = None
) -> tuple[Path, ...]:
    """Write the files that are not there yet; gives those written.

    Raises UsageError `project-exists` if the folder holds a project already.
    """
    if (folder / "repot.toml").exists():
        raise UsageError(
            "project-exists",
            f"{folder} holds a project already",
            hint="`repot plan` shows where it stands",
        )
    name = re.sub(r"[^a-z0-9_]+", "_", folder.resolve().name.lower()).strip("_") or "shop"
    values = {
        "name": name,
        "source": source,
        "target": target or f"{name}_v2",
        "retired": retired or f"{name}_old",
    }
    environment = Environment(
        loader=PackageLoader("repot.project", "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    made = []
    for path, template in _FILES.items():
        file = folder / path
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            text = environment.get_template(template).render(values)
            file.write_text(text, encoding="utf-8")
            made.append(file)
    return tuple(made)
