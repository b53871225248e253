"""A private PostgreSQL server that lives as long as the process that started it."""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from repot.embedded import cleanup
from repot.embedded.binaries import Binaries
from repot.embedded.client import Psql, conninfo
from repot.embedded.cluster import SUPERUSER, Cluster
from repot.embedded.errors import EmbeddedError
from repot.embedded.launch import launch, launch_on_tcp
from repot.embedded.lease import Lease
from repot.embedded.settings import Setting, default_settings

Mode = Literal["fast", "immediate"]
SOCKET_PORT = 5432  # part of the socket's name


class EmbeddedServer(Psql):
    """A PostgreSQL server of one's own, reached through a socket that no other user can open.

    It stops on every way out, `kill -9` included, and removes its folder unless `keep` is set.

    folder: for data and log; by default a temporary one. Without `keep` it must be empty.
    keep: leave the folder when stopping; a later server on it finds its databases again.
    tcp: listen on a free port of 127.0.0.1 too, for clients that cannot use a socket.
    settings: PostgreSQL settings beside or instead of the defaults.
    durable: write to disk at every commit; by default only with `keep`.
    binaries: which PostgreSQL to run; by default that which made the folder, or the newest.
    start_seconds: how long a start, with recovery, may take.

    Only the process that started it may use it: its forks may not.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        keep: bool = False,
        tcp: bool = False,
        settings: Mapping[str, Setting] | None = None,
        durable: bool | None = None,
        binaries: Binaries | None = None,
        start_seconds: float = 60,
    ) -> None:
        self.settings: dict[str, Setting] = dict(settings or {})
        self.port = SOCKET_PORT  # with `tcp`, from the start on, the free port that was found
        self._folder = folder.resolve() if folder else None
        self._keep = keep and folder is not None
        self._tcp = tcp
        self._durable = self._keep if durable is None else durable
        self._binaries = binaries
        self._start_seconds = start_seconds
        self._lease: Lease | None = None
        self._cluster: Cluster | None = None
        self._password = ""
        self._owner = os.getpid()

    def start(self) -> Self:
        """Starts the server, first making its data folder if there is none; fine if it runs.

        Raises EmbeddedError; whatever was made is removed then.
        """
        if self.is_running():
            return self
        try:
            self._launch(self._cluster or self._begin())
        except BaseException:
            self.stop("immediate")
            raise
        return self

    def stop(self, mode: Mode = "fast") -> None:
        """Stops the server and, unless its folder is kept, removes it; fine if it was stopped.

        fast: ends all sessions, writes a checkpoint. immediate: just ends; the next start recovers.
        Raises EmbeddedError `embedded-not-removed`.
        """
        if self._lease is None or self._owner != os.getpid():
            return
        if self._cluster is not None:
            self._cluster.stop(mode)
        lease, self._lease, self._cluster = self._lease, None, None
        atexit.unregister(self._at_exit)
        lease.end()

    def restart(self, mode: Mode = "fast") -> None:
        """Stops and starts the server on the same data, with `settings` as they are now."""
        self._running().stop(mode)
        self.start()

    def kill(self) -> None:
        """Kills all its processes at once (SIGKILL). The data stay for `start`, until `stop`."""
        cleanup.crash(self._running().data)

    def is_running(self) -> bool:
        """Whether the server's process is there."""
        return self._cluster is not None and self._cluster.is_running()

    @property
    def log_path(self) -> Path:
        """The server's log. Raises EmbeddedError `embedded-not-running` before the start."""
        return self._known().log

    @property
    def binaries(self) -> Binaries:
        """Its programs. Raises EmbeddedError `embedded-not-running` before the start."""
        return self._known().binaries

    def dsn(self, dbname: str = "postgres", *, tcp: bool = False) -> str:
        """A libpq connection string for the superuser, through the socket; with `tcp` through
        127.0.0.1, and with a password in it.

        Raises EmbeddedError `embedded-not-running` before the start, ValueError without TCP.
        """
        self._known()
        assert self._lease is not None
        if tcp and not self._tcp:
            raise ValueError("the server was made without tcp")
        words = {"host": str(self._lease.home), "port": str(self.port), "user": SUPERUSER}
        if tcp:
            words |= {"host": "127.0.0.1", "password": self._password}
        return conninfo(words | {"dbname": dbname})

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self._at_exit()

    def _begin(self) -> Cluster:
        self._owner = os.getpid()
        self._lease = lease = Lease(self._folder, self._keep)
        atexit.register(self._at_exit)
        self._password = lease.password()
        self._cluster = cluster = lease.cluster(self._binaries)
        if not cluster.exists():
            cluster.init(lease.home, self._password, durable=self._durable)
        return cluster

    def _launch(self, cluster: Cluster) -> None:
        assert self._lease is not None
        settings = default_settings(durable=self._durable) | self.settings
        if self._tcp:
            wanted = None if self.port == SOCKET_PORT else self.port
            self.port = launch_on_tcp(
                cluster, self._lease.home, settings, wanted, self._start_seconds
            )
        else:
            launch(cluster, self._lease.home, settings, SOCKET_PORT, self._start_seconds)

    def _known(self) -> Cluster:
        if self._cluster is None:
            raise EmbeddedError(
                "embedded-not-running",
                "the private server was not started",
                hint="call start() first",
            )
        return self._cluster

    def _running(self) -> Cluster:
        """The cluster, which runs. Raises EmbeddedError `embedded-not-running`."""
        cluster = self._known()
        if not cluster.is_running():
            raise EmbeddedError(
                "embedded-not-running",
                "the private server does not run",
                evidence=cluster.log_tail(),
                hint="call start() again; the log's last lines, above, may say why it ended",
            )
        return cluster

    def _at_exit(self) -> None:
        self.stop("fast" if self._keep else "immediate")
