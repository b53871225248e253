"""Projects written by tests: a dictionary of files becomes a folder."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repot.cli.main import main

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
    """Call the program with --json, in this process: its exit code and its document."""
    argv = [*map(str, words), "--json"] + (["--database", dsn] if dsn else [])
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(argv)
            code = 0
        except SystemExit as left:
            code = int(left.code or 0)
    assert out.getvalue().strip(), err.getvalue()
    return code, json.loads(out.getvalue())
