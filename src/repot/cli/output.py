"""Data on stdout, everything else on stderr; with --json exactly one JSON document on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape

from repot.model.errors import RepotError
from repot.model.finding import Finding, Severity

_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


class Output:
    """Where a verb writes. `active` is the one of the verb that runs."""

    active: Output | None = None

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.out = Console(highlight=False, soft_wrap=True, emoji=False)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
        Output.active = self

    def data(self, document: dict[str, Any]) -> None:
        """The document, with --json; nothing otherwise."""
        if self.as_json:
            json.dump(document, sys.stdout, ensure_ascii=False, default=str)
            sys.stdout.write("\n")

    def print(self, *what: Any) -> None:
        """For people only."""
        if not self.as_json:
            self.out.print(*what)

    def say(self, text: str) -> None:
        """A remark, on stderr."""
        self.err.print(escape(text), style="dim")

    def findings(self, findings: tuple[Finding, ...], *, infos: bool = True) -> None:
        """Each finding with its place, count, examples and remedy."""
        shown = [f for f in findings if infos or f.severity is not Severity.INFO]
        for finding in shown:
            self._finding(finding)

    def _finding(self, f: Finding) -> None:
        place = f.file or ""
        if f.file and f.line:
            place = f"{f.file}:{f.line}"
        self.about(f, place)

    def about(self, f: Finding, place: str, next_: str = "") -> None:
        """What was found, where, some of it, the remedy, and the command to give."""
        head = f"[{_STYLE[f.severity]}]{f.severity.value:<7}[/] [bold]{escape(f.code)}[/]"
        self.print(head + (f"  [cyan]{escape(place)}[/]" if place else ""))
        count = f" ({f.count:,} row{'s' if f.count != 1 else ''})" if f.count is not None else ""
        self.print(f"        {escape(f.message)}{count}")
        for example in f.examples:
            self.print(f"        [dim]e.g. {escape(example)}[/]")
        if f.hint:
            self.print(f"        [green]hint:[/] {escape(f.hint)}")
        if next_:
            self.print(f"        [green]next:[/] [bold]{escape(next_)}[/]")

    def error(self, failed: RepotError) -> None:
        """What failed, the evidence, the remedy."""
        if self.as_json:
            self.data(
                {
                    "ok": False,
                    "error": {
                        "code": failed.code,
                        "message": failed.message,
                        "evidence": failed.evidence,
                        "hint": failed.hint,
                    },
                }
            )
            return
        self.err.print(f"[bold red]{escape(failed.code)}[/]: {escape(failed.message)}")
        for line in failed.evidence.splitlines():
            self.err.print(f"  {escape(line)}", style="dim")
        if failed.hint:
            self.err.print(f"[green]hint:[/] {escape(failed.hint)}")


def plural(count: int, noun: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def seconds(ms: float) -> str:
    """A duration as people say it: ms below a second, s above."""
    return f"{ms:,.0f} ms" if ms < 1000 else f"{ms / 1000:,.1f} s"
