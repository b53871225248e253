"""Runs PostgreSQL's programs as an account they accept: its server refuses root."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repot.embedded.errors import EmbeddedError

UNPRIVILEGED = ("nobody", "postgres", "daemon")


@dataclass(frozen=True)
class Account:
    """A user that is not root. `switch` says whether this process must become it to act as it."""

    uid: int
    gid: int
    switch: bool

    def run(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        seconds: float = 60,
        text: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command as this account, in `/`, with `text` as its input.

        Its stderr is part of its stdout.

        Raises EmbeddedError `embedded-unreachable` if it cannot be executed, `embedded-slow`.
        """
        words = [str(word) for word in command]
        options: dict[str, Any] = {}
        if self.switch:
            options = {"user": self.uid, "group": self.gid, "extra_groups": []}
        try:
            return subprocess.run(
                words,
                env=env,
                cwd="/",
                input=text,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                timeout=seconds,
                check=False,
                **options,
            )
        except subprocess.TimeoutExpired as problem:
            raise EmbeddedError(
                "embedded-slow",
                f"{words[0]} was not done after {seconds:g} seconds",
                hint="the machine may be overloaded: try again",
            ) from problem
        except (OSError, subprocess.SubprocessError) as problem:
            raise EmbeddedError(
                "embedded-unreachable",
                f"{words[0]} cannot be run by the account {self}",
                evidence=str(problem),
                hint="let this account read and execute it, or run Repot as an ordinary user",
            ) from problem

    def may(self, paths: Sequence[Path], test: str = "-r") -> bool:
        """Asks the system itself whether this account passes `test` (`-r`, `-x`) on every path."""
        script = 'flag="$1"; shift; for path; do [ "$flag" "$path" ] || exit 1; done'
        return self.run(["/bin/sh", "-c", script, "sh", test, *paths]).returncode == 0

    def may_enter(self, folder: Path) -> bool:
        """Whether this account can reach the folder, through all the folders above it."""
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder]).returncode == 0

    def take(self, folder: Path) -> None:
        """Makes a folder this account's own, and closes it to all others.

        Only for a folder in which, and in those above it, this account could not meddle before.
        """
        folder.chmod(0o700)
        try:
            if self.switch:
                os.chown(folder, self.uid, self.gid)
        except OSError as problem:
            raise EmbeddedError(
                "embedded-unreachable",
                f"{folder} cannot be given to the account {self}",
                evidence=str(problem),
                hint="run Repot as an ordinary user",
            ) from problem

    def write(self, file: Path, text: str, *, append: bool = False) -> None:
        """Writes a private file as this account: in its folders, links could lead root astray.

        Raises EmbeddedError `embedded-unreachable`.
        """
        script = 'umask 077; if [ "$1" = append ]; then cat >>"$2"; else cat >"$2"; fi'
        how = "append" if append else "anew"
        done = self.run(["/bin/sh", "-c", script, "sh", how, file], text=text)
        if done.returncode != 0:
            raise EmbeddedError(
                "embedded-unreachable",
                f"the account {self} cannot write {file}",
                evidence=done.stdout.strip(),
                hint="the disk may be full, or the folder on a file system that cannot be written",
            )

    def __str__(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)


def server_account(data: Path | None = None) -> Account:
    """The account to run the server as: this process's own, or, for root, the owner of an existing
    data folder or an unprivileged account. Raises EmbeddedError `embedded-no-account`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    if data is not None and data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid, switch=True)
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, switch=True)
    raise EmbeddedError(
        "embedded-no-account",
        "PostgreSQL does not run as root, and there is no unprivileged account to run it as",
        evidence=f"none of these exists: {', '.join(UNPRIVILEGED)}",
        hint="run Repot as an ordinary user, or add the user nobody",
    )
