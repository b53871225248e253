"""Reading upkeep.toml: the tasks and their files, with all that is wrong with them at once.

time_zone = "Europe/Paris"        # of every schedule; an IANA name
schema = "public"                 # where bare names of the SQL files are

[task.reset-adverts]
schedule = "daily at 00:00"       # weekly on monday at 03:00, monthly on 1 at 04:00, five fields
sql = "upkeep/reset_adverts.sql"  # or care = "analyze" with settings = {…}, or command = ["…"]
timeout = "10min"                 # 1h where nothing is said; "none"
catch_up = "once"                 # or "no"
enabled = true
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from pydantic import ValidationError

from repot.model.errors import UsageError
from repot.model.project import SqlFile
from repot.model.upkeep import TASK_NAME, Task, Upkeep
from repot.project.reading import counted
from repot.project.schedule import cron_of

FILE = "upkeep.toml"
_TOP = {"project", "time_zone", "schema", "task"}
_KEYS = {
    *("schedule", "sql", "care", "settings", "command"),
    *("timeout", "catch_up", "enabled", "again"),
}
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}

# What is wrong with a built-in's name and settings, a line each.
CheckCare = Callable[[str, Mapping[str, Any]], list[str]]


def load_upkeep(folder: Path, check_care: CheckCare) -> Upkeep:
    """Read `upkeep.toml` in `folder`, a project's or any other.

    Raises UsageError `no-upkeep` where there is none, `upkeep-invalid` with every problem.
    """
    file = folder / FILE
    if not file.is_file():
        raise UsageError(
            "no-upkeep",
            f"there is no {FILE} in {folder}",
            hint="docs/howto/upkeep.md shows one; --project DIR names another folder",
        )
    reading = _Reading(folder, check_care)
    upkeep = reading.upkeep(file)
    if upkeep is None or reading.problems:
        raise UsageError(
            "upkeep-invalid",
            f"{FILE} in {folder} cannot be used: {counted(reading.problems)}",
            evidence="\n".join(reading.problems),
            hint="docs/reference/upkeep.md lists every setting with its default",
        )
    return upkeep


def files_of(folder: Path, upkeep: Upkeep) -> tuple[Path, ...]:
    """The files that the upkeep was read from."""
    return (folder / FILE, *(folder / task.sql.path for task in upkeep.tasks if task.sql))


class _Reading:
    """One reading of a folder; `problems` grow as it goes."""

    def __init__(self, folder: Path, check_care: CheckCare) -> None:
        self.folder, self.check_care = folder, check_care
        self.problems: list[str] = []
        self._digest = hashlib.sha256()

    def upkeep(self, file: Path) -> Upkeep | None:
        try:
            data = file.read_bytes()
            said = tomllib.loads(data.decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
            self.problems.append(f"{FILE}: {wrong}")
            return None
        self._digest.update(data)
        for key in sorted(set(said) - _TOP):
            self.problems.append(f"{FILE}: unknown key: {key}")
        named = said.get("task", {})
        if not isinstance(named, dict) or not all(isinstance(t, dict) for t in named.values()):
            self.problems.append(f"{FILE}: tasks are sections like [task.name]")
            named = {}
        zone = self._zone(said.get("time_zone"))
        tasks = [self._task(name, one) for name, one in named.items()]
        values = {
            "project": said.get("project") or self._project(),
            "folder": str(self.folder),
            "time_zone": zone,
            "schema_": said.get("schema", "public"),
            "tasks": tuple(task for task in tasks if task is not None),
            "digest": self._digest.hexdigest(),
        }
        upkeep: Upkeep | None = self._validated(Upkeep, values, "")
        return upkeep

    def _zone(self, said: object) -> str:
        if said is None:
            self.problems.append(f'{FILE}: time_zone is missing: time_zone = "Europe/Paris"')
        elif str(said) in available_timezones():
            return str(said)
        else:
            self.problems.append(f"{FILE}: time_zone: {said!r} is no IANA name of a zone")
        return "UTC"

    def _project(self) -> str:
        settings = self.folder / "repot.toml"
        name = None
        if settings.is_file():
            try:
                name = tomllib.loads(settings.read_text(encoding="utf-8")).get("name")
            except (tomllib.TOMLDecodeError, UnicodeDecodeError):
                self.problems.append(f"repot.toml cannot be read; write project = … into {FILE}")
        return str(name or self.folder.resolve().name)

    def _task(self, name: str, said: dict[str, Any]) -> Task | None:
        place = f"{FILE}: task.{name}"
        before = len(self.problems)
        if not re.fullmatch(TASK_NAME, name):
            self.problems.append(f"{place}: a name is a letter, then letters, digits, _ . - (40)")
        for key in sorted(set(said) - _KEYS):
            self.problems.append(f"{place}: unknown key: {key}")
        values = {k: v for k, v in said.items() if k in _KEYS and k not in ("sql", "timeout")}
        values |= {"name": name, "again": said.get("again", "command" not in said)}
        if sum(key in said for key in ("sql", "care", "command")) != 1:
            self.problems.append(f"{place}: takes one of sql, care, command")
        if "settings" in said and "care" not in said:
            self.problems.append(f"{place}: settings are for a built-in (care = …)")
        if said.get("command") == []:
            self.problems.append(
                f'{place}: command is a program with its words: ["vacuumdb", "-a"]'
            )
        try:
            values["cron"] = cron_of(str(said.get("schedule", "")))
        except ValueError as wrong:
            self.problems.append(f"{place}: schedule: {wrong}")
        if "timeout" in said:
            values["timeout"] = self._timeout(place, said["timeout"])
        if "sql" in said:
            values["sql"] = self._sql(place, said["sql"])
        if isinstance(said.get("care"), str) and isinstance(said.get("settings", {}), dict):
            wrong_ones = self.check_care(said["care"], said.get("settings", {}))
            self.problems += [f"{place}: care: {wrong}" for wrong in wrong_ones]
        return self._validated(Task, values, name) if len(self.problems) == before else None

    def _sql(self, place: str, said: object) -> SqlFile | None:
        file = self.folder / str(said)
        try:
            data = file.read_bytes()
            self._digest.update(str(said).encode() + b"\0" + data)
            text = data.decode("utf-8-sig")
        except OSError as wrong:
            self.problems.append(f"{place}: sql: {said}: {wrong.strerror}")
            return None
        except UnicodeDecodeError as wrong:
            self.problems.append(f"{place}: {said}: is not UTF-8 ({wrong.reason})")
            return None
        if not text.strip():
            self.problems.append(f"{place}: {said} is empty")
        return SqlFile(path=str(said), text=text)

    def _timeout(self, place: str, said: object) -> float | None:
        if said == "none":
            return None
        found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(s|min|h|d)", str(said))
        if not found or not float(found[1]):
            self.problems.append(
                f'{place}: timeout: {said!r} is not like "90s", "10min", "2h", "none"'
            )
            return None
        return float(found[1]) * _UNITS[found[2]]

    def _validated(self, model: Any, values: dict[str, Any], task: str) -> Any:
        try:
            return model.model_validate(values)
        except ValidationError as wrong:
            for one in wrong.errors():
                where = ".".join(str(p) for p in (*(["task", task] if task else []), *one["loc"]))
                self.problems.append(f"{FILE}: {where}: {one['msg']}")
            return None
