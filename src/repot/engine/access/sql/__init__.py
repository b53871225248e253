"""Fixed SQL about who may reach what; `load` reads one file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def load(file: str) -> str:
    """The text of `file` in this folder."""
    return (files(__name__) / file).read_text(encoding="utf-8")
