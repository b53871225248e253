"""Looking at embedded servers from outside."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from repot.embedded import (
    EmbeddedServer,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
SOURCES = Path(__file__).parents[2] / "src"
SMALL = {"shared_buffers": "16MB"}


def until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Waits for a condition; False if it does not come true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def home_of(server: EmbeddedServer) -> Path:
    """The folder of a server's socket."""
    return Path(psycopg.conninfo.conninfo_to_dict(server.dsn())["host"])


def pid_of(data: Path) -> int:
    """The process id of the server on a data folder."""
    return int((data / "postmaster.pid").read_text().split()[0])
