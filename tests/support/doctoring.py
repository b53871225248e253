"""`repot doctor` run by tests, and what it found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Nothing that other tests do on the same server counts, unless a test wants it.
CALM = """
[limits]
transaction_s = 3600
idle_s = 3600
waiting_s = 3600
prepared_s = 3600
slot_mb = 1000000
connections = 1
"""

Doctor = Callable[..., tuple[int, dict[str, Any]]]


def found(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What was found, by its code (the first of each)."""
    assert "troubles" in document, document
    return {t["code"]: t for t in reversed(document["troubles"])}
