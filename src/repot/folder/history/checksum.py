"""Prisma's checksums: SHA-256 of the file, whatever its line endings have become since."""

from __future__ import annotations

import hashlib


def checksum(text: str) -> str:
    """64 hexadecimal digits, as they are written today."""
    return hashlib.sha256(text.encode()).hexdigest()


def matches(recorded: str, text: str) -> bool:
    """Whether the recorded checksum is that of the text, with LF or CRLF, in today's form or in
    that of Prisma's first releases, which wrote bytes below 16 with one digit."""
    for variant in (text, text.replace("\r\n", "\n"), text.replace("\n", "\r\n")):
        digest = hashlib.sha256(variant.encode()).digest()
        if recorded in (digest.hex(), "".join(f"{byte:x}" for byte in digest)):
            return True
    return False
