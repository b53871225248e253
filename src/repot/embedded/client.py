"""Talks to a server through psql, without a driver."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from repot.embedded.binaries import Binaries, client_tool, tool_environment
from repot.embedded.errors import EmbeddedError


def conninfo(words: Mapping[str, str]) -> str:
    """A libpq connection string, its values quoted."""
    quoted = {k: v.replace("\\", "\\\\").replace("'", "\\'") for k, v in words.items()}
    return " ".join(
        f"{k}='{v}'" if set(v) & set(" \\'") or not v else f"{k}={v}" for k, v in quoted.items()
    )


def script(name: str) -> str:
    """One of the scripts in `sql/`."""
    return (resources.files("repot.embedded") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def psql(binaries: Binaries, dsn: str, text: str, variables: Mapping[str, str]) -> str:
    """Runs a script and returns what it prints. Raises EmbeddedError `embedded-sql`."""
    program = (
        binaries.path("psql") if binaries.has("psql") else client_tool("psql", binaries.version)
    )
    command: list[str | Path] = [program, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
    for name, value in variables.items():
        command += ["-v", f"{name}={value}"]
    done = subprocess.run(
        [*command, "-d", dsn],
        input=text,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=tool_environment(program) | {"PGCLIENTENCODING": "UTF8"},
        cwd="/",
        check=False,
    )
    if done.returncode != 0:
        raise EmbeddedError(
            "embedded-sql",
            "a statement for the private server failed",
            evidence=done.stderr.strip(),
            hint="the evidence is PostgreSQL's own message",
        )
    return done.stdout
