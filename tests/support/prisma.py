"""Prisma's own schema engine: installed once into a cache outside of the tree, run by node."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from support.migrating import Folder

HERE = Path(__file__).parent.parent / "oracle"


def installed() -> Path:
    """The folder that holds node_modules; skips the test where there is no node or npm."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are needed to ask Prisma's own engine")
    lock = (HERE / "package-lock.json").read_bytes()
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "repot-tests"
    place = root / f"prisma-{hashlib.sha256(lock).hexdigest()[:16]}"
    if place.is_dir():
        return place
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as raw:
        fresh = Path(raw) / "fresh"
        fresh.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, fresh)
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=fresh,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            if os.environ.get("CI"):
                pytest.fail(f"npm ci: {done.stderr[-2000:]}")
            pytest.skip(f"npm ci: {done.stderr[-500:]}")
        try:
            fresh.rename(place)
        except OSError:  # another worker was first
            assert place.is_dir()
    return place


class Engine:
    """Calls of the engine on one folder and database; each runs in a process of its own."""

    def __init__(self, dsn: str, folder: Folder, schema: str = "public") -> None:
        self._modules, self._folder, self._schema = installed(), folder, schema
        words = conninfo_to_dict(dsn)
        self._connection = {
            "host": words["host"],
            "port": int(words.get("port", 5432)),
            "user": words["user"],
            "database": words["dbname"],
        }

    def ask(self, call: str, name: str | None = None) -> dict[str, Any]:
        """The engine's answer: ok with result, or code and message."""
        request = {
            "modules": str(self._modules),
            "connection": self._connection,
            "schema": self._schema,
            "folder": str(self._folder.path),
            "call": call,
            "name": name,
        }
        done = subprocess.run(
            ["node", str(HERE / "prisma_engine.mjs")],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stdout.startswith("{"), done.stderr
        return dict(json.loads(done.stdout))

    def agrees(self) -> bool:
        """No drift in the history, nothing edited, nothing failed."""
        found = self.ask("diagnose")["result"]
        return found == {
            "editedMigrationNames": [],
            "failedMigrationNames": [],
            "hasMigrationsTable": True,
            "history": None,
        }

    def apply(self) -> list[str]:
        """The names that it applied."""
        answer = self.ask("apply")
        assert answer["ok"], answer
        return list(answer["result"]["appliedMigrationNames"])
