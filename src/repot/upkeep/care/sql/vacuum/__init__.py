"""What `vacuum` asks the catalogs."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def query(what: str) -> bytes:
    """The text of `what`.sql."""
    return (files(__name__) / f"{what}.sql").read_bytes()
