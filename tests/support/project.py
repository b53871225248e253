"""Projects written by tests: a dictionary of files becomes a folder."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SETTINGS = """
name = "{name}"
[source]
schema = "public"
[target]
schema = "v2"
retired = "v1_old"
"""


def write(folder: Path, files: Mapping[str, str], settings: str = "") -> Path:
    """The project folder `folder`, with `settings` after the usual ones."""
    folder.mkdir(parents=True, exist_ok=True)
    if "repot.toml" not in files:
        (folder / "repot.toml").write_text(SETTINGS.format(name=folder.name) + settings)
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def repot(*words: object, dsn: str = "") -> tuple[int, Any]:
    """Run the program as a user does, with --json: its exit code and its document."""
    command = [sys.executable, "-m", "repot.cli.main", *map(str, words), "--json"]
    if dsn:
        command += ["--database", dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.stdout.strip(), done.stderr
    return done.returncode, json.loads(done.stdout)
