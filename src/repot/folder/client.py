"""Who runs Repot, as the notes say it."""

from __future__ import annotations

import getpass
import socket


def client() -> str:
    """User and machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        user = "?"
    return f"{user}@{socket.gethostname()}"
