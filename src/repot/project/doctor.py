"""Reading doctor.toml, with all that is wrong with it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from repot.model.doctor import Declared
from repot.model.errors import UsageError
from repot.project.reading import counted, read_tables, read_toml

DOCTOR = "doctor.toml"


def load_doctor(folder: Path) -> Declared:
    """The troubles that the folder declares; none where there is no doctor.toml.

    Raises UsageError `doctor-invalid` with every problem.
    """
    file = folder / DOCTOR
    if not file.is_file():
        return Declared()
    problems: list[str] = []
    settings = read_toml(file, problems)
    troubles = [
        _with_file(folder, one, number, problems)
        for number, one in enumerate(read_tables(DOCTOR, settings, "trouble", problems), 1)
    ]
    words = {"schema": "schema_"}
    shaped = {words.get(key, key): value for key, value in settings.items() if key != "trouble"}
    try:
        declared = Declared.model_validate({**shaped, "troubles": troubles})
    except ValidationError as wrong:
        problems += [f"{DOCTOR}: {_place(one['loc'])}: {one['msg']}" for one in wrong.errors()]
    else:
        problems += _twice(declared)
        if not problems:
            return declared
    raise UsageError(
        "doctor-invalid",
        f"{DOCTOR} in {folder} cannot be read: {counted(problems)}",
        evidence="\n".join(problems),
        hint="docs/howto/find-what-is-wrong.md lists every key",
    )


def _with_file(
    folder: Path, one: dict[str, Any], number: int, problems: list[str]
) -> dict[str, Any]:
    """The section, with the text of the file that its evidence is in, if it is in one."""
    name = one.get("file")
    if not isinstance(name, str):
        return one
    if "evidence" in one:
        problems.append(f"{DOCTOR}: trouble {number}: either evidence or file, not both")
    try:
        text = (folder / name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as wrong:
        problems.append(f"{DOCTOR}: trouble {number}: {name}: {wrong}")
        text = "?"
    return {**one, "evidence": text}


def _twice(declared: Declared) -> list[str]:
    codes = [t.code for t in declared.troubles]
    return [
        f"{DOCTOR}: the code {c} is there twice" for c in sorted(set(codes)) if codes.count(c) > 1
    ]


def _place(place: tuple[Any, ...]) -> str:
    words = [str(p + 1) if isinstance(p, int) else str(p) for p in place]
    return ".".join(words).replace("troubles", "trouble").replace("schema_", "schema")
