"""What one run of a server needs around it, and gives back in the end."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Literal

from repot.embedded import cleanup
from repot.embedded.account import Account, server_account
from repot.embedded.binaries import Binaries, find_binaries
from repot.embedded.cluster import Cluster
from repot.embedded.errors import EmbeddedError
from repot.embedded.folder import Folder
from repot.embedded.reach import new_home, runnable
from repot.embedded.watchdog import Watchdog


class Lease:
    """An account, a temporary folder for the sockets, a place for data and log, and a watchdog that
    gives all of it back, should this process not do it.

    Raises EmbeddedError if any of it cannot be had; nothing is left behind then.
    """

    home: Path
    account: Account

    def __init__(self, folder: Path | None, keep: bool) -> None:
        self._folder = Folder(folder, keep) if folder else None
        self.account = server_account(self._folder.data if self._folder else None)
        if self._folder is not None:
            self._folder.claim(self.account)
        self._temporary = [] if keep or folder is None else [folder]
        try:
            self.home = new_home(self.account)
            self._temporary.append(self.home)
            self._place = folder or self.home
            ending: Literal["fast", "immediate"] = "fast" if keep else "immediate"
            self._watchdog = Watchdog(self._place / "data", self._temporary, ending)
        except BaseException:
            cleanup.remove(self._temporary)
            self._release()
            raise

    def cluster(self, binaries: Binaries | None) -> Cluster:
        """The data folder, perhaps not made yet, with programs that fit it."""
        fitting = binaries or find_binaries(self._folder.version() if self._folder else None)
        reachable = runnable(fitting, self.account, self.home.parent)
        return Cluster(reachable, self.account, self._place / "data", self._place / "server.log")

    def password(self) -> str:
        """The superuser's, for TCP: as lasting as the data."""
        return self._folder.password(self.account) if self._folder else secrets.token_urlsafe(24)

    def end(self) -> None:
        """Gives everything back; the server must have been stopped.

        Raises EmbeddedError `embedded-not-removed`.
        """
        left = cleanup.remove(self._temporary)
        self._release()
        self._watchdog.release()
        if left:
            raise EmbeddedError(
                "embedded-not-removed",
                "the server is stopped, but its folders could not be removed",
                evidence=", ".join(map(str, left)),
                hint="remove them",
            )

    def _release(self) -> None:
        if self._folder is not None:
            self._folder.release()
