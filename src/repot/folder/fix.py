"""Taking out of a folder's files what is not SQL, where nothing is lost by it: shown first."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path

from repot.folder.book import Book, Page, of_trouble
from repot.folder.text import Reading, Trouble, cut_out, read_script
from repot.model.errors import RepotError
from repot.model.finding import Finding, error
from repot.model.folder import Script

_ROUNDS = 1000  # a file of nothing but noise: 25 places are named at a time


@dataclass(frozen=True)
class FileFix:
    """One file that would be changed: the whole text before and after, the places that go, and
    what remains to be done by a person.

    applied: the database has run it as it is, so that it must stay as it is.
    """

    file: str
    path: Path
    before: str
    after: str
    cuts: tuple[Finding, ...]
    remaining: tuple[Finding, ...]
    applied: bool = False

    @property
    def diff(self) -> str:
        """The change as a unified diff."""
        lines = unified_diff(
            _lines(self.before), _lines(self.after), f"a/{self.file}", f"b/{self.file}", n=2
        )
        return "".join(
            line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
            for line in lines
        )


def plan_fixes(book: Book, applied: frozenset[str] = frozenset()) -> tuple[FileFix, ...]:
    """What `fix` would change, file by file; files without a cut are not among them.

    applied: names of migrations that a database has run. Their files are shown and never written,
    their ways back can be.
    """
    fixes = []
    for page in book.pages:
        for reading in _readings(page):
            done = page.name in applied and reading is page.up
            fix = _fix(book.folder.path, reading, done)
            if fix is not None:
                fixes.append(fix)
    return tuple(fixes)


def write_fixes(fixes: Iterable[FileFix]) -> tuple[str, ...]:
    """Write the files, each at once or not at all, and never one that was applied; gives those
    that were written.

    Raises RepotError `file-changed` where a file is not as it was when the cut was planned: then
    none is written.
    """
    wanted = [fix for fix in fixes if not fix.applied]
    for fix in wanted:
        if fix.path.read_bytes() != fix.before.encode():
            raise RepotError(
                "file-changed",
                f"{fix.file} is not as it was a moment ago",
                hint="look at the diff again: repot migrate fix",
            )
    for fix in wanted:
        _write(fix.path.resolve(), fix.after)
    return tuple(fix.file for fix in wanted)


def refusals(fixes: Iterable[FileFix]) -> tuple[Finding, ...]:
    """Those that cannot be fixed because the database has run them."""
    return tuple(
        error(
            "fix-applied",
            "the file was applied already: with another text it would no longer be the one that "
            "the history knows",
            file=fix.file,
            line=fix.cuts[0].line,
            hint="leave it; if it failed, `repot migrate resolve --rolled-back` it first",
        )
        for fix in fixes
        if fix.applied
    )


def fixed(book: Book, fixes: Iterable[FileFix]) -> Book:
    """The book as it would be read after the fixes, without writing them."""
    texts = {fix.file: fix.after for fix in fixes if not fix.applied}
    pages = tuple(_fixed(page, texts) for page in book.pages)
    findings = [f for f in book.findings if f.file not in texts]
    for page in pages:
        for reading in _readings(page):
            if reading.script.file in texts:
                findings += _findings(reading.troubles, reading.script.file)
    return Book(book.folder, pages, tuple(findings))


def _fixed(page: Page, texts: dict[str, str]) -> Page:
    def again(reading: Reading) -> Reading:
        file = reading.script.file
        return read_script(Script(file=file, text=texts[file])) if file in texts else reading

    return replace(page, up=again(page.up), down=again(page.down) if page.down else None)


def _readings(page: Page) -> tuple[Reading, ...]:
    return (page.up,) if page.down is None else (page.up, page.down)


def _fix(folder: Path, reading: Reading, applied: bool) -> FileFix | None:
    if not any(t.cut for t in reading.troubles):
        return None
    file, before = reading.script.file, reading.script.text
    path = folder / file
    if path.read_bytes() != before.encode():
        return None  # not UTF-8: to write it would change more than the cut
    after, troubles, cuts = before, reading.troubles, []
    for _ in range(_ROUNDS):
        wanted = [t for t in troubles if t.cut is not None]
        if not wanted:
            break
        if after == before:
            cuts = wanted  # lines of the file as it is; later rounds count in another text
        after = cut_out(after, [t.cut for t in wanted if t.cut is not None])
        troubles = read_script(Script(file=file, text=after)).troubles
    remaining = tuple(_findings(troubles, file))
    return FileFix(file, path, before, after, tuple(_findings(cuts, file)), remaining, applied)


def _findings(troubles: Iterable[Trouble], file: str) -> list[Finding]:
    return [of_trouble(t, file) for t in troubles]


def _lines(text: str) -> list[str]:
    """Lines as an editor has them: only \\n ends one."""
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _write(path: Path, text: str) -> None:
    """Through a file beside it, so that a reader sees the old text or the new one."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(text.encode())
            out.flush()
            os.fsync(out.fileno())
        beside.chmod(path.stat().st_mode & 0o7777)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
