"""What can go wrong with the private server."""

from __future__ import annotations

from repot.model.errors import RepotError


class EmbeddedError(RepotError):
    """The private server, or a tool that comes with it, cannot do what was asked.

    Codes: `embedded-no-server` (no binaries), `embedded-no-tool`, `embedded-no-account`,
    `embedded-unreachable` (the account cannot read or enter a path), `embedded-bad-folder`,
    `embedded-bad-setting`, `embedded-initdb`, `embedded-start`, `embedded-not-running`,
    `embedded-not-removed`, `embedded-slow`, `embedded-sql`.
    """
