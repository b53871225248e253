"""A folder that a user names for a server's data and log."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

from repot.embedded import cleanup
from repot.embedded.account import Account
from repot.embedded.errors import EmbeddedError

_LAST_OWNER_SECONDS = 15.0  # for the watchdog of a killed process to stop its server


class Folder:
    """Holds `data/`, `server.log`, and the superuser's password for TCP. With `keep` it may be a
    server's from before; without, it must be empty, since it is removed in the end."""

    def __init__(self, path: Path, keep: bool) -> None:
        self.path = path
        self.data = path / "data"
        self._unfinished = cleanup.unfinished(self.data).name
        self._keep = keep
        self._lock: int | None = None

    def version(self) -> int | None:
        """The major version of PostgreSQL that made the data, or None where there are none."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    def claim(self, account: Account) -> None:
        """Makes the folder ours, until `release` or this process's end.

        Raises EmbeddedError `embedded-bad-folder` if it is in use or holds something else, and
        `embedded-unreachable` if the account cannot enter it.
        """
        made = [path for path in (self.path, *self.path.parents) if not path.exists()]
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            if account.switch:
                for path in made:
                    path.chmod(0o755)
            self._check(account)
            self._occupy(account)
        except EmbeddedError:
            self.release()
            for path in made:
                path.rmdir()
            raise

    def release(self) -> None:
        """Lets others have it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def password(self, account: Account) -> str:
        """The superuser's password for TCP, the same as long as the folder lives."""
        file = self.path / "password"
        if not file.exists():
            account.write(file, secrets.token_urlsafe(24))
        return file.read_text()

    def _check(self, account: Account) -> None:
        names = {entry.name for entry in self.path.iterdir()}
        ours = self.version() is not None or names <= {"password", self._unfinished, "server.log"}
        if names and not (self._keep and ours):
            raise EmbeddedError(
                "embedded-bad-folder",
                f"{self.path} holds something else than a server's data",
                evidence=", ".join(sorted(names)[:10]),
                hint="name a new or an empty folder"
                + ("" if self._keep else "; one with data is taken only if it is kept"),
            )
        if not account.may_enter(self.path.parent):
            raise EmbeddedError(
                "embedded-unreachable",
                f"the account {account} cannot enter {self.path.parent}",
                hint="open it and the folders above it to other users (chmod o+x), or name another",
            )

    def _occupy(self, account: Account) -> None:
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            running = cleanup.server_pid(self.data)
            taken = running is not None and not cleanup.wait([running], _LAST_OWNER_SECONDS)
        except BlockingIOError:
            taken = True
        if taken:
            raise EmbeddedError(
                "embedded-bad-folder",
                f"a server runs on {self.path} already",
                hint="name another folder, or wait until the other has stopped",
            )
        if not self.data.exists():
            account.take(self.path)
