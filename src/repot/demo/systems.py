"""The bundled systems: projects with a V1, a generator of rows, and an application."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import ModuleType

from repot.model.errors import UsageError

SYSTEMS = ("dropskills", "personalization", "amethyst")


@dataclass(frozen=True)
class System:
    """One bundled system; `folder` is a complete project."""

    name: str
    folder: Path

    def sql(self, file: str) -> str:
        """The text of one of its SQL files."""
        return (self.folder / file).read_text(encoding="utf-8")

    def module(self, name: str) -> ModuleType:
        """One of its Python files, loaded from the folder."""
        path = self.folder / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"repot_system_{self.name}_{name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up there
        spec.loader.exec_module(module)
        return module


def find_system(name: str) -> System:
    """The system called `name`. Raises UsageError `unknown-system`."""
    # In the wheel the systems lie inside the package, in a checkout beside src/.
    places = [Path(str(files("repot"))) / "systems", Path(__file__).parents[3] / "systems"]
    for place in places:
        if name in SYSTEMS and (place / name / "repot.toml").is_file():
            return System(name, place / name)
    raise UsageError(
        "unknown-system", f"there is no system {name}", hint="systems: " + ", ".join(SYSTEMS)
    )
