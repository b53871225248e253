"""A data folder: made by initdb, configured by one file, started and stopped by pg_ctl."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repot.embedded import cleanup
from repot.embedded.account import Account
from repot.embedded.binaries import Binaries
from repot.embedded.errors import EmbeddedError
from repot.embedded.settings import Setting, conf_line

SUPERUSER = "postgres"
_CONF = "repot.conf"


@dataclass(frozen=True)
class Cluster:
    """Where a data folder is, and what runs it. `log` is the server's log file."""

    binaries: Binaries
    account: Account
    data: Path
    log: Path

    def exists(self) -> bool:
        """Whether the data folder has been made."""
        return (self.data / "PG_VERSION").exists()

    def is_running(self) -> bool:
        """Whether the server's process is there."""
        return cleanup.server_pid(self.data) is not None

    def init(self, home: Path, password: str, *, durable: bool) -> None:
        """Makes the data folder: UTF8, code point order, the superuser `postgres`, trusted on the
        socket and with the password on TCP. Raises EmbeddedError `embedded-initdb`."""
        making = cleanup.unfinished(
            self.data
        )  # renamed in the end: data are there in full or not at all
        cleanup.remove([making])
        password_file = home / "password"
        self.account.write(password_file, password)
        command: list[str | Path] = [
            *(self.binaries.path("initdb"), "-D", making, "-U", SUPERUSER, "-E", "UTF8"),
            *("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password_file}"),
            *([] if durable else ["--no-sync"]),
        ]
        if self.binaries.version >= 17:
            locales = [["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]]
        else:
            locales = [["--locale=C.UTF-8"], ["--locale=C"]]
        output = ""
        for locale in locales:
            done = self._run([*command, *locale], seconds=120)
            if done.returncode == 0:
                break
            output += done.stdout
        else:
            raise EmbeddedError(
                "embedded-initdb",
                f"initdb failed for {self.data}",
                evidence=output.strip(),
                hint=f"the account {self.account} must be able to write there",
            )
        password_file.unlink()
        include = f"include_if_exists = '{_CONF}'\n"
        self.account.write(making / "postgresql.conf", include, append=True)
        making.rename(self.data)

    def configure(self, settings: Mapping[str, Setting]) -> None:
        """Writes the settings, for the next start. Raises EmbeddedError `embedded-bad-setting`."""
        lines = [conf_line(name, value) for name, value in settings.items()]
        self.account.write(self.data / _CONF, "".join(lines))

    def start(self, seconds: float) -> None:
        """Starts the server and waits until it answers. Raises EmbeddedError `embedded-start`."""
        cleanup.forget_zombie(self.data)
        wait = ["-w", "-t", str(max(1, round(seconds)))]
        done = self._run(
            [self.binaries.path("pg_ctl"), "start", "-D", self.data, "-l", self.log, *wait],
            seconds=seconds + 30,
        )
        if done.returncode != 0:
            raise EmbeddedError(
                "embedded-start",
                f"the server on {self.data} did not start within {seconds:g} seconds",
                evidence=self.log_tail() or done.stdout.strip(),
                hint="the last lines of its log, above, say why; settings are the usual reason",
            )

    def stop(self, mode: str) -> None:
        """Stops the server, if it runs; one that takes too long is killed."""
        if not self.is_running():
            return
        seconds = round(cleanup.STOP_SECONDS[mode])
        try:
            self._run(
                [
                    *(self.binaries.path("pg_ctl"), "stop", "-D", self.data, "-m", mode),
                    *("-w", "-t", str(seconds)),
                ],
                seconds=seconds + 10,
            )
        except EmbeddedError:
            cleanup.end(self.data, "immediate")
        cleanup.crash(self.data)  # nothing to do unless it still runs

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the server's log."""
        try:
            with self.log.open(errors="replace") as log:
                return "".join(deque(log, lines)).strip()
        except OSError:
            return ""

    def _run(
        self, command: list[str | Path], *, seconds: float
    ) -> subprocess.CompletedProcess[str]:
        return self.account.run(command, env=self.binaries.environment(), seconds=seconds)
