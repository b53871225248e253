"""Talks to a server through psql, without a driver."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from repot.embedded.binaries import client_tool, tool_environment
from repot.embedded.cluster import Cluster
from repot.embedded.errors import EmbeddedError

STRATEGY_SINCE = 15  # CREATE DATABASE ... STRATEGY


def conninfo(words: Mapping[str, str]) -> str:
    """A libpq connection string, its values quoted."""
    quoted = {k: v.replace("\\", "\\\\").replace("'", "\\'") for k, v in words.items()}
    return " ".join(
        f"{k}='{v}'" if set(v) & set(" \\'") or not v else f"{k}={v}" for k, v in quoted.items()
    )


class Psql(ABC):
    """What can be done with a running server through its superuser."""

    @abstractmethod
    def dsn(self, dbname: str = "postgres") -> str:
        """A libpq connection string."""

    @abstractmethod
    def _running(self) -> Cluster: ...

    def psql(self, script: str, dbname: str = "postgres", **variables: str) -> str:
        """Runs a psql script with psql variables; returns what it prints, unaligned, without heads.

        Raises EmbeddedError `embedded-sql` at the first statement that fails, and
        `embedded-not-running`.
        """
        binaries = self._running().binaries
        own = binaries.has("psql")
        program = binaries.path("psql") if own else client_tool("psql", binaries.version)
        command: list[str | Path] = [program, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        for name, value in variables.items():
            command += ["-v", f"{name}={value}"]
        done = subprocess.run(
            [*command, "-d", self.dsn(dbname)],
            input=script,
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

    def create_database(self, name: str, template: str | None = None) -> str:
        """Creates a database, empty or as a copy of `template` (to which none may be connected).

        Returns its connection string. Raises as `psql` does.
        """
        quick = self._running().binaries.version >= STRATEGY_SINCE
        self.psql(
            _script("create_database"),
            name=name,
            template=template or "template0",
            strategy="STRATEGY file_copy" if quick else "",
        )
        return self.dsn(name)

    def create_supabase(self, name: str) -> str:
        """Creates a database as Supabase makes it, as far as a schema leans on it: the roles anon,
        authenticated, service_role and authenticator, the schemas auth, storage and extensions.

        The roles belong to the server and stay. Returns its connection string. Raises as `psql`
        does.
        """
        dsn = self.create_database(name)
        self.psql(supabase_sql(), name)
        return dsn

    def drop_database(self, name: str) -> None:
        """Drops a database, if it exists, with its sessions and logical slots.

        Raises as `psql` does.
        """
        self.psql(_script("drop_database"), name=name)


def supabase_sql() -> str:
    """The statements that make an empty database look like a Supabase project's."""
    return _script("supabase")


def _script(name: str) -> str:
    file = resources.files("repot.embedded") / "sql" / f"{name}.sql"
    return file.read_text(encoding="utf-8")
