"""Reading checks.toml, features/*.sql and checks/*.sql: all that is wrong with them at once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from repot.model.checks import Checking
from repot.model.errors import UsageError
from repot.model.project import SqlFile
from repot.project.reading import counted, read_folder, read_tables, read_toml
from repot.project.signature import read_name, read_signature

CHECKS = "checks.toml"
FEATURES = "features"
QUERIES = "checks"
_TOP = {
    *("schema", "features", "roles", "statement_timeout_ms", "lock_timeout_ms"),
    *("function", "trigger", "row_security", "absent"),
}


def has_checks(folder: Path) -> bool:
    """Whether anything of checks is in the folder."""
    return (folder / CHECKS).is_file() or any((folder / FEATURES).glob("*.sql"))


def load_checks(folder: Path, queries: dict[str, SqlFile] | None = None) -> Checking:
    """The checks of `folder`; queries: its checks/*.sql, where a project has chosen them already.

    Raises UsageError `checks-invalid` with every problem, `no-checks` where there is nothing.
    """
    problems: list[str] = []
    settings = read_toml(folder / CHECKS, problems)
    unknown = sorted(set(settings) - _TOP)
    if unknown:
        problems.append(f"{CHECKS}: unknown section or key: {', '.join(unknown)}")
    known = {key: value for key, value in settings.items() if key in _TOP}
    shaped = _shaped(known, problems)
    shaped["features"] = dict(read_folder(folder, FEATURES, problems))
    shaped["queries"] = dict(read_folder(folder, QUERIES, problems)) if queries is None else queries
    checking = _checking(shaped, problems)
    if problems or checking is None:
        raise UsageError(
            "checks-invalid",
            f"the checks in {folder} cannot be read: {counted(problems)}",
            evidence="\n".join(problems),
            hint="docs/reference/checks.md lists every key",
        )
    if checking.empty:
        raise UsageError(
            "no-checks",
            f"there is nothing to check in {folder}",
            hint=f"write {CHECKS}, {FEATURES}/*.sql or {QUERIES}/*.sql; "
            "--project DIR names another folder",
        )
    return checking


def _shaped(settings: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    """The settings with their names and signatures read, in the model's words."""
    shaped = {
        {"schema": "schema_", "features": "required"}.get(key, key): value
        for key, value in settings.items()
        if key not in ("function", "trigger", "absent", "row_security")
    }
    shaped["functions"] = [
        _with(one, {"signature": "parsed"}, read_signature, f"function {n}", problems)
        for n, one in enumerate(read_tables(CHECKS, settings, "function", problems), 1)
    ]
    shaped["triggers"] = [
        _with(one, {"table": "table", "function": "function"}, read_name, f"trigger {n}", problems)
        for n, one in enumerate(read_tables(CHECKS, settings, "trigger", problems), 1)
    ]
    if isinstance(settings.get("absent"), dict):
        shaped["absent"] = {
            kind: _names(names, f"absent.{kind}", problems)
            for kind, names in settings["absent"].items()
        }
    if isinstance(settings.get("row_security"), dict):
        section = dict(settings["row_security"])
        section["except"] = [
            _with(one, {"table": "table"}, read_name, f"row_security.except {n}", problems)
            for n, one in enumerate(read_tables(CHECKS, section, "except", problems), 1)
        ]
        shaped["row_security"] = section
    return shaped


def _with(
    one: dict[str, Any], read: dict[str, str], reader: Any, place: str, problems: list[str]
) -> dict[str, Any]:
    """The section with what is read from the texts of some keys; a problem leaves the key out."""
    result = dict(one)
    for key, to in read.items():
        if not isinstance(one.get(key), str):
            problems.append(f"{CHECKS}: {place}: {key} is missing")
            result[to] = None
            continue
        try:
            result[to] = reader(one[key])
        except ValueError as wrong:
            problems.append(f"{CHECKS}: {place}: {key} {wrong}")
            result[to] = None
    return result


def _names(names: Any, place: str, problems: list[str]) -> list[Any]:
    found = []
    for text in names if isinstance(names, list) else [names]:
        try:
            found.append(read_name(str(text)))
        except ValueError as wrong:
            problems.append(f"{CHECKS}: {place}: {wrong}")
    return found


def _checking(shaped: dict[str, Any], problems: list[str]) -> Checking | None:
    try:
        return Checking.model_validate(shaped)
    except ValidationError as wrong:
        for one in wrong.errors():
            place = one["loc"]
            if _said(place, shaped):
                continue
            problems.append(f"{CHECKS}: {_place(place)}: {one['msg']}")
        if not problems:
            problems.append(f"{CHECKS}: {wrong.error_count()} values are not understood")
    return None


def _said(place: Iterable[Any], shaped: dict[str, Any]) -> bool:
    """Whether the value is one that was left out with a problem of its own."""
    value: Any = shaped
    for part in place:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return value is None


def _place(place: tuple[Any, ...]) -> str:
    words = [{"functions": "function", "triggers": "trigger"}.get(str(p), str(p)) for p in place]
    numbered = [str(int(w) + 1) if w.isdigit() else w for w in words]
    return ".".join(numbered).replace("schema_", "schema").replace("required", "features")
