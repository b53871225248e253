"""What squawk, a linter for locks and for clients that still run, says of the files.

Its findings come in our form, as warnings: whether a lock hurts depends on the size of the table
and on who waits, which no text tells; `rehearse` shows the locks that were really taken.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from repot.folder.book import Book
from repot.model.finding import Finding, info, warning

_PROGRAM = "squawk"
_FILES = 2000  # in one call: the command line has an end
_SECONDS = 120
# Rules of squawk that are left out, each with the reason.
EXCLUDED = {
    "prefer-text-field": "style: a varchar of the right length is no danger",
    "prefer-bigint-over-int": "style: a choice of types",
    "prefer-bigint-over-smallint": "style: a choice of types",
    "prefer-identity": "style: a choice of how numbers are given",
    "prefer-timestamp-tz": "style: Prisma's own types are timestamp(3)",
    "ban-char-field": "style: a choice of types",
    "prefer-robust-stmts": "a file that fails leaves nothing behind, or goes on where it stopped",
    "require-timeout-settings": "deploy sets lock_timeout itself, and tries again",
    "require-lock-timeout": "deploy sets lock_timeout itself, and tries again",
    "require-statement-timeout": "a long statement that is cut off is only longer the next time",
    "transaction-nesting": "Repot's own rule says it, with what deploy would do",
    "ban-concurrent-index-creation-in-transaction": "Repot's own rule says it",
    "ban-uncommitted-transaction": "Repot's own rule says it",
}
# Said by our own reading of the file, which is PostgreSQL's grammar.
_NOT_TOLD = {"syntax-error"}


def program() -> Path | None:
    """squawk's binary: beside Python, as its wheel lays it, or on the PATH."""
    beside = Path(sys.executable).parent / _PROGRAM
    if os.access(beside, os.X_OK):
        return beside
    found = shutil.which(_PROGRAM)
    return Path(found) if found else None


def examine_locks(
    book: Book, names: Collection[str] | None = None, *, major: int | None = None
) -> tuple[Finding, ...]:
    """squawk's findings over the files (all, or those of these migrations), code `squawk-<rule>`.

    major: PostgreSQL's version, where it is known. A squawk that is missing or fails is an info
    finding. A .squawk.toml of the project is honoured, as squawk does by itself.
    """
    files = [
        page.file
        for page in book.pages
        if not page.up.troubles and (names is None or page.name in names)
    ]
    if not files:
        return ()
    binary = program()
    if binary is None:
        return (
            info(
                "squawk-missing",
                "squawk is not here: nothing was said about locks",
                hint="pip install squawk-cli, or leave it out with --no-squawk",
            ),
        )
    findings: list[Finding] = []
    for some in _batches(files):
        findings += _call(binary, book.folder.path, some, major)
    return tuple(findings)


def _batches(files: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(files), _FILES):
        yield files[start : start + _FILES]


def _call(binary: Path, folder: Path, files: Sequence[str], major: int | None) -> list[Finding]:
    command = [str(binary), "--reporter", "json", "--assume-in-transaction"]
    command += ["--exclude", ",".join(EXCLUDED)]
    if major is not None:
        command += ["--pg-version", f"{major}.0"]
    try:
        done = subprocess.run(
            [*command, "--", *map(glob.escape, files)],  # squawk reads them as patterns
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
        told = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired) as failed:
        return [_failed(str(failed))]
    except json.JSONDecodeError:
        return [_failed((done.stderr or done.stdout).strip()[:300])]
    return [_finding(one) for one in told if one["rule_name"] not in _NOT_TOLD]


def _finding(one: dict[str, Any]) -> Finding:
    """squawk counts lines from 0."""
    return warning(
        f"squawk-{one['rule_name']}",
        one["message"],
        file=one["file"],
        line=int(one["line"]) + 1,
        hint=one.get("help") or "",
    )


def _failed(why: str) -> Finding:
    return info(
        "squawk-failed",
        f"squawk did not answer: {why}",
        hint="nothing was said about locks; `squawk --version` must work",
    )
