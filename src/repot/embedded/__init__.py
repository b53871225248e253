"""A private PostgreSQL server: found, made, started, and gone when its process is."""

from repot.embedded.binaries import (
    Binaries,
    client_tool,
    find_binaries,
    list_binaries,
    tool_environment,
)
from repot.embedded.client import supabase_sql
from repot.embedded.errors import EmbeddedError
from repot.embedded.server import EmbeddedServer

__all__ = [
    "Binaries",
    "EmbeddedError",
    "EmbeddedServer",
    "client_tool",
    "find_binaries",
    "list_binaries",
    "supabase_sql",
    "tool_environment",
]
