"""Reading a project folder: settings and files, with all that is wrong with them at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from repot.model.errors import UsageError
from repot.model.project import (
    CaptureSetting,
    CopySetting,
    CutoverSetting,
    Leave,
    MoveSetting,
    Project,
    RegistrySetting,
    SourceSetting,
    SqlFile,
    TargetSetting,
)
from repot.project.access import FILE as ACCESS
from repot.project.access import read_access
from repot.project.choice import Chosen
from repot.project.reading import counted, read_folder, read_sql, read_toml

SETTINGS = "repot.toml"
_FOLDERS = {
    "moves": "moves",
    "backs": "back",
    "registries": "registry",
    "checks": "checks",
    "outside": "outside",
    "listings": "listings",
}
_FILES = ("leave.toml", "target.sql", ACCESS)
_SECTIONS = {
    *("name", "source", "target", "cutover", "copy", "capture"),
    *("registry", "move", "back", "choice"),
}


def load_project(folder: Path) -> Project:
    """Read the project in `folder`.

    Raises UsageError `no-project` where there is none, `project-invalid` with every problem.
    """
    file = folder / SETTINGS
    if not file.is_file():
        raise UsageError(
            "no-project",
            f"there is no {SETTINGS} in {folder}",
            hint="`repot init` makes a project; --project DIR names another folder",
        )
    problems: list[str] = []
    settings = read_toml(file, problems)
    leave = read_toml(folder / "leave.toml", problems)
    unknown = sorted(set(settings) - _SECTIONS)
    if unknown:
        problems.append(f"{SETTINGS}: unknown section or key: {', '.join(unknown)}")
    choices = _choices(settings, problems)
    texts = _chosen(folder, choices, problems)
    target = read_sql(folder, folder / "target.sql", problems)
    access = read_access(folder, problems)
    parts = {
        "source": _part(SourceSetting, settings, "source", problems),
        "target": _part(TargetSetting, settings, "target", problems),
        "cutover": _part(CutoverSetting, settings, "cutover", problems),
        "copying": _part(CopySetting, settings, "copy", problems),
        "capture": _part(CaptureSetting, settings, "capture", problems),
        "registry": _parts(RegistrySetting, settings, "registry", problems),
        "move": _parts(MoveSetting, settings, "move", problems),
        "back": _parts(MoveSetting, settings, "back", problems),
        "leave": _part(Leave, {"leave": leave}, "leave", problems, file="leave.toml"),
    }
    if target is None:
        problems.append("target.sql is missing: it describes the new schema as plain DDL")
    if not texts["moves"]:
        problems.append("moves/ holds no .sql file: each new table is one SELECT there")
    problems.extend(_contradictions(parts))
    if problems:
        raise UsageError(
            "project-invalid",
            f"the project in {folder} cannot be read: {counted(problems)}",
            evidence="\n".join(problems),
            hint="docs/reference/project.md lists every setting with its default",
        )
    assert target is not None
    return Project.model_validate(
        {
            "folder": str(folder),
            "name": str(settings.get("name") or folder.resolve().name),
            **parts,
            **texts,
            "choice": choices,
            "access": access,
            "target_sql": target,
            "digest": _digest(folder, [file, *(folder / n for n in _FILES)]),
        }
    )


def _choices(settings: dict[str, Any], problems: list[str]) -> dict[str, str]:
    choices = settings.get("choice", {})
    if not isinstance(choices, dict) or not all(isinstance(v, str) for v in choices.values()):
        problems.append(f'{SETTINGS}: [choice] holds a word for each name: rounding = "cents"')
        return {}
    return choices


def _chosen(
    folder: Path, choices: dict[str, str], problems: list[str]
) -> dict[str, dict[str, SqlFile]]:
    """The files of each folder that fit the choices."""
    texts, used = {}, set[str]()
    for field, sub in _FOLDERS.items():
        chosen = Chosen(choices)
        for stem, text in read_folder(folder, sub, problems):
            chosen.add(stem, text)
        chosen.finish()
        problems += chosen.problems
        used |= chosen.used
        texts[field] = chosen.files
    for name in sorted(set(choices) - used):
        problems.append(f"{SETTINGS}: choice.{name}: no file depends on it (NAME@{name}=VALUE.sql)")
    return texts


def _part(
    model: Any, settings: dict[str, Any], key: str, problems: list[str], file: str = SETTINGS
) -> Any:
    value = settings.get(key, {})
    try:
        return model.model_validate(value)
    except ValidationError as wrong:
        for one in wrong.errors():
            place = ".".join(str(p) for p in (key, *one["loc"]) if p != "leave")
            problems.append(f"{file}: {place}: {one['msg']}")
        return None


def _parts(model: Any, settings: dict[str, Any], key: str, problems: list[str]) -> dict[str, Any]:
    named = settings.get(key, {})
    if not isinstance(named, dict):
        problems.append(f"{SETTINGS}: {key} must be sections like [{key}.name]")
        return {}
    result = {}
    for name, value in named.items():
        part = _part(model, {f"{key}.{name}": value}, f"{key}.{name}", problems)
        if part is not None:
            result[name] = part
    return result


def _contradictions(parts: dict[str, Any]) -> Iterator[str]:
    source, target = parts["source"], parts["target"]
    if source is None or target is None:
        return
    names = [source.schema_, target.schema_, target.retired]
    if len(set(names)) < len(names):
        yield f"{SETTINGS}: source, target and retired schema must be three different schemas"
    for name in names:
        if name.startswith(("repot", "pg_")) or name == "information_schema":
            yield f"{SETTINGS}: the schema {name} is not free to be used"
    if source.schema_ in source.outside:
        yield f"{SETTINGS}: source.outside names the source schema itself"
    for name, setting in parts["registry"].items():
        if setting.kind == "slug" and not setting.text:
            yield f"{SETTINGS}: registry.{name}: a slug needs text = the column it is made of"
        if setting.within and setting.kind != "slug":
            yield f"{SETTINGS}: registry.{name}: within is for slugs alone"
        for column in sorted(set(setting.within) - set(setting.key)):
            yield f"{SETTINGS}: registry.{name}: within names {column}, which is not in its key"


def _digest(folder: Path, files: list[Path]) -> str:
    for sub in _FOLDERS.values():
        files += sorted((folder / sub).glob("*.sql"))
    total = hashlib.sha256()
    for file in files:
        if file.is_file():
            total.update(file.relative_to(folder).as_posix().encode() + b"\0")
            total.update(file.read_bytes() + b"\0")
    return total.hexdigest()
