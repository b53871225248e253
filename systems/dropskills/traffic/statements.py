"""The statements of the .sql files beside this one, by name and dialect (1 and 2)."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def _named(file: Path) -> dict[str, str]:
    parts = file.read_text(encoding="utf-8").split("-- name: ")[1:]
    named = (part.split("\n", 1) for part in parts)
    return {name.strip(): body.strip() for name, body in named}


def _dialects(*folder_files: str) -> dict[int, dict[str, str]]:
    both = _named(_HERE / folder_files[0])
    return {
        number: {**both, **_named(_HERE / file)} for number, file in enumerate(folder_files[1:], 1)
    }


WRITES = _dialects("both.sql", "v1.sql", "v2.sql")
LOOKS = _dialects("look_both.sql", "look_v1.sql", "look_v2.sql")
READS = {number: _named(_HERE.parent / "application.sql") for number in (1, 2)}
