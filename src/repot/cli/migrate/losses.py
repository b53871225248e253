"""Losses for people: what, how much, and who would miss it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.markup import escape

from repot import migrations
from repot.cli.output import Output, plural


def print_losses(out: Output, losses: Iterable[migrations.Loss], examples: int) -> None:
    """A paragraph for each table."""
    for loss in losses:
        noun = "row" if loss.kind == "rows" else "value"
        word = "[yellow]lost[/]" if loss.archive else "[bold red]loses[/]"
        head = f"{word} {escape(loss.table)}: {plural(loss.count, noun)}"
        if noun == "value":
            head += f" in {plural(loss.rows, 'row')}"
        out.print(f"{head} [dim]({escape(loss.why)})[/]")
        for column, count in loss.columns.items():
            out.print(f"        {escape(column)}: {plural(count, 'value')}")
        _named(out, f"{', '.join(loss.key) or 'rows'}", loss.examples, loss.rows, examples)
        for parent in loss.parents:
            what = "lost theirs" if loss.archive else "would lose theirs"
            if not parent.owns:
                what = "were referred to" if loss.archive else "are referred to"
            text = f"{plural(parent.count, 'row')} of {parent.table} {what}"
            out.print(f"        [{'bold' if parent.owns else 'not bold'}]{escape(text)}[/]")
            _named(out, ", ".join(parent.columns), parent.keys, parent.count, examples)
        if loss.archive:
            out.print(f"        [dim]kept in {escape(loss.archive)}[/]")


def _named(out: Output, what: str, keys: tuple[str, ...], count: int, examples: int) -> None:
    shown = keys[:examples]
    if not shown:
        return
    more = f" … and {count - len(shown):,} more" if count > len(shown) else ""
    out.print(f"          [dim]{escape(what)}: {escape(' · '.join(shown))}{more}[/]")
