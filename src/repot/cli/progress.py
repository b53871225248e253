"""Progress on stderr: bars with rate and time left on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

LINE_SECONDS = 5.0  # how often, where nobody watches a terminal


class _Rate(TextColumn):
    """Done of total, with the rate, in the task's unit."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: object) -> Text:
        done = int(getattr(task, "completed", 0))
        total = getattr(task, "total", None)
        speed = getattr(task, "speed", None)
        unit = getattr(task, "fields", {}).get("unit", "")
        text = f"{done:,}" + (f"/{int(total):,}" if total else "") + f" {unit}"
        note = getattr(task, "fields", {}).get("note", "")
        text += f" · {speed:,.0f}/s" if speed else ""
        return Text(text + (f" · {note}" if note else ""), style="dim")


class TerminalProgress:
    """Satisfies model.progress.Progress; use it as a context manager."""

    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live = self._console.is_terminal and not quiet
        self._quiet = quiet
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._lines: dict[str, tuple[str, int, int | None, str, float, float]] = {}
        self._notes: dict[str, str] = {}
        self._progress = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=False,
        )

    def __enter__(self) -> TerminalProgress:
        if self._live:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._progress.stop()

    def start(self, key: str, title: str, total: int | None, unit: str) -> None:
        with self._lock:
            if self._live:
                if key in self._tasks:
                    self._progress.remove_task(self._tasks.pop(key))
                self._tasks[key] = self._progress.add_task(title, total=total, unit=unit)
            else:
                now = time.monotonic()
                self._lines[key] = (title, 0, total, unit, now, now)

    def advance(self, key: str, by: int) -> None:
        with self._lock:
            if self._live:
                if key in self._tasks:
                    self._progress.advance(self._tasks[key], by)
            elif key in self._lines:
                title, done, total, unit, begun, said = self._lines[key]
                done += by
                now = time.monotonic()
                if now - said >= LINE_SECONDS:
                    said = now
                    self._line(title, done, total, unit, now - begun, self._notes.get(key, ""))
                self._lines[key] = (title, done, total, unit, begun, said)

    def note(self, key: str, text: str) -> None:
        with self._lock:
            if self._live and key in self._tasks:
                self._progress.update(self._tasks[key], note=text)
            self._notes[key] = text
        self.advance(key, 0)  # a line is due now and then, whether anything was done or not

    def finish(self, key: str, note: str = "") -> None:
        with self._lock:
            self._notes.pop(key, None)
            if self._live and key in self._tasks:
                number = self._tasks.pop(key)
                task = self._progress.tasks[self._progress.task_ids.index(number)]
                self._progress.remove_task(number)
                self._done(task.description, int(task.completed), task.fields["unit"], task.elapsed)
            elif key in self._lines:
                title, done, _, unit, begun, _ = self._lines.pop(key)
                self._done(title, done, unit, time.monotonic() - begun)
            if note and not self._quiet:
                self._progress.console.print(f"    {note}", style="dim", markup=False)

    def say(self, text: str) -> None:
        if self._quiet:
            return
        console = self._progress.console if self._live else self._console
        console.print(text, style="dim", markup=False)

    def _done(self, title: str, done: int, unit: str, elapsed: float | None) -> None:
        """A finished piece of work leaves one line, in the order in which things ended."""
        if self._quiet:
            return
        took = f" in {elapsed:,.1f} s" if elapsed and elapsed >= 0.05 else ""
        amount = f": {done:,} {unit}{took}" if done else took
        console = self._progress.console if self._live else self._console
        console.print(f"  ✓ {title}{amount}", style="dim", markup=False)

    def _line(
        self, title: str, done: int, total: int | None, unit: str, elapsed: float, note: str
    ) -> None:
        if self._quiet:
            return
        rate = done / elapsed if elapsed else 0
        left = f", {(total - done) / rate:,.0f} s left" if total and rate else ""
        share = f" ({100 * done / total:.0f} %)" if total else ""
        self._console.print(
            f"{title}: {done:,} {unit}{share}, {rate:,.0f}/s{left}" + (f", {note}" if note else ""),
            style="dim",
            markup=False,
        )
