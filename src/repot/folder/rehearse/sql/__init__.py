"""Questions of the rehearsal that are always the same; `load` reads one."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def load(file: str) -> bytes:
    """The text of `file` in this folder."""
    return (files(__name__) / file).read_bytes()
