"""What the name of a migration says: its version, and whether that is a time."""

from __future__ import annotations

import re
from datetime import datetime

_VERSION = re.compile(r"(?P<digits>[0-9]+)(?:[_-]|$)")
TIMESTAMP = 14  # digits: YYYYMMDDHHMMSS


def version_of(name: str) -> str | None:
    """The digits that the name begins with, if a word or nothing follows them."""
    found = _VERSION.match(name)
    return found["digits"] if found else None


def is_time(version: str) -> bool:
    """Whether the digits are a time that exists: YYYYMMDDHHMMSS, as both tools write it."""
    if len(version) != TIMESTAMP:
        return False
    try:
        datetime.strptime(version, "%Y%m%d%H%M%S")
    except ValueError:
        return False
    return True
