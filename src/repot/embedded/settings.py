"""PostgreSQL settings, and the file they are written to."""

from __future__ import annotations

import os
import re

from repot.embedded.errors import EmbeddedError

Setting = str | int | float | bool
_SMALL_SHARED_MEMORY = 1 << 30  # bytes; containers often get 64 MB: parallel queries fail


def default_settings(*, durable: bool) -> dict[str, Setting]:
    """The settings of every private server, unless its owner wants others."""
    settings: dict[str, Setting] = {
        "max_connections": 100,
        "shared_buffers": "256MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "fsync": durable,
        "full_page_writes": durable,
    }
    try:
        shared = os.statvfs("/dev/shm")
        if shared.f_frsize * shared.f_blocks < _SMALL_SHARED_MEMORY:
            settings["dynamic_shared_memory_type"] = "mmap"
    except OSError:
        pass
    return settings


def conf_line(name: str, value: Setting) -> str:
    text = ("on" if value else "off") if isinstance(value, bool) else str(value)
    if not re.fullmatch(r"[A-Za-z_][\w.]*", name) or "\n" in text or "\0" in text:
        raise EmbeddedError(
            "embedded-bad-setting",
            f"this is no setting of PostgreSQL: {name!r} = {text!r}",
            hint="names are words, perhaps with a dot; values are of one line",
        )
    quoted = text.replace("\\", "\\\\").replace("'", "''")
    return f"{name} = '{quoted}'\n"
