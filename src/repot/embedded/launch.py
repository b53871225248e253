"""Starts a data folder's server at its addresses."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

from repot.embedded.cluster import Cluster
from repot.embedded.errors import EmbeddedError
from repot.embedded.settings import Setting

_ATTEMPTS = 5  # to find a port that nobody takes between the search and the start


def launch(
    cluster: Cluster,
    sockets: Path,
    settings: Mapping[str, Setting],
    port: int,
    seconds: float,
    address: str = "",
) -> None:
    """Starts the server on a socket in the folder `sockets` and, given an address, on TCP.

    Raises EmbeddedError `embedded-bad-setting`, `embedded-start`.
    """
    for stale in sockets.glob(".s.PGSQL.*"):
        stale.unlink()
    folder = str(sockets).replace('"', '""')
    cluster.configure(
        {
            **settings,
            "listen_addresses": address,
            "port": port,
            "unix_socket_directories": f'"{folder}"',
        }
    )
    cluster.start(seconds)


def launch_on_tcp(
    cluster: Cluster,
    sockets: Path,
    settings: Mapping[str, Setting],
    wanted: int | None,
    seconds: float,
) -> int:
    """Starts the server on 127.0.0.1 too, on the port `wanted` if it is free; returns the port.

    Raises EmbeddedError `embedded-bad-setting`, `embedded-start`.
    """
    for attempt in range(_ATTEMPTS):
        port = wanted if wanted and attempt == 0 else _free_port()
        try:
            launch(cluster, sockets, settings, port, seconds, "127.0.0.1")
        except EmbeddedError as problem:
            if attempt == _ATTEMPTS - 1 or "could not bind" not in problem.evidence:
                raise
        else:
            break
    return port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
