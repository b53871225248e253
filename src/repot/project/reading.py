"""What reading a user's files has in common: texts, settings, and all that is wrong at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from repot.model.project import SqlFile


def read_toml(file: Path, problems: list[str]) -> dict[str, Any]:
    """The settings in `file`; none where it is not there, or has `problems`."""
    if not file.is_file():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as wrong:
        problems.append(f"{file.name}: {wrong}")
    except UnicodeDecodeError as wrong:
        problems.append(not_utf8(file.name, wrong))
    return {}


def read_sql(folder: Path, file: Path, problems: list[str]) -> SqlFile | None:
    """The SQL in `file`, named as seen from `folder`; None where it is not there."""
    if not file.is_file():
        return None
    path = file.relative_to(folder).as_posix()
    try:
        # utf-8-sig: a byte order mark is no part of the SQL
        return SqlFile(path=path, text=file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as wrong:
        problems.append(not_utf8(path, wrong))
        return None


def read_folder(folder: Path, sub: str, problems: list[str]) -> Iterator[tuple[str, SqlFile]]:
    """The SQL files of a folder within `folder`, in order, by their names without `.sql`."""
    for file in sorted((folder / sub).glob("*.sql")):
        text = read_sql(folder, file, problems)
        if text is not None:
            yield file.stem, text


def read_tables(
    file: str, settings: dict[str, Any], key: str, problems: list[str]
) -> list[dict[str, Any]]:
    """The tables of an array, `[[key]]`."""
    value = settings.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        problems.append(f"{file}: {key} must be written as [[{key}]]")
        return []
    return value


def not_utf8(path: str, wrong: UnicodeDecodeError) -> str:
    """The problem of a file that is no text."""
    return f"{path}: is not UTF-8 ({wrong.reason} at byte {wrong.start})"


def counted(problems: Sequence[str]) -> str:
    """`1 problem`, `2 problems`."""
    return f"{len(problems)} problem" + ("s" if len(problems) != 1 else "")
