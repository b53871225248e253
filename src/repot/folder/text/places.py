"""Lines and characters of byte offsets, which is what the parser counts in."""

from __future__ import annotations

from bisect import bisect_right


class Places:
    """Where a byte of `text` is; made once, asked often."""

    def __init__(self, text: str) -> None:
        self._raw = text.encode()
        self._starts = [0]
        at = self._raw.find(b"\n")
        while at >= 0:
            self._starts.append(at + 1)
            at = self._raw.find(b"\n", at + 1)

    def line(self, byte: int) -> int:
        """The line, from 1."""
        return bisect_right(self._starts, byte)

    def character(self, byte: int) -> int:
        """The index into the text."""
        return len(self._raw[:byte].decode(errors="ignore"))
