"""A wire between a client and the server that can be cut at a COMMIT."""

from __future__ import annotations

import select
import socket
import threading
from pathlib import Path
from types import TracebackType

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Wire:
    """Passes bytes on through a socket of its own. `cut` says what happens to the first COMMIT:

    before: the server never hears of it. after: the server does, the client never hears back.
    `dead`: from then on nobody gets through.
    """

    def __init__(self, dsn: str, folder: Path, cut: str, *, dead: bool = False) -> None:
        words = conninfo_to_dict(dsn)
        self._server = f"{words['host']}/.s.PGSQL.{words.get('port', 5432)}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self._cut, self._dead = cut, dead
        self.cuts = 0
        self.dsn = make_conninfo(dsn, host=str(folder), port=5432)
        self._closing = threading.Event()

    def __enter__(self) -> Wire:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._dead and self.cuts:
                client.close()
                continue
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._server)
        with client, server:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    # In lower case: the switch's own. The driver's says COMMIT.
                    if source is client and b"commit\0" in data and not self.cuts:
                        self.cuts += 1
                        if self._cut == "after":
                            server.sendall(data)
                            server.recv(65536)  # it was done, and the answer goes nowhere
                        return
                    (server if source is client else client).sendall(data)
