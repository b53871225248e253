"""Rows that people should see before they decide, as a project's listings give them."""

from __future__ import annotations

from repot.model.base import Value


class Listing(Value):
    """What one file of listings/ gives: its first rows, values as text."""

    name: str
    file: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    count: int  # of all rows, shown or not
    error: str = ""  # why it could not be run; then it has no rows
