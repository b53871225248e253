"""The rehearsal: a copy of the database, and the pending files run on it."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from repot.folder.book import Book, open_book
from repot.folder.rehearse.duplicate import Copy, copied
from repot.folder.rehearse.play import Stage, play
from repot.folder.rehearse.result import FileRun, Rehearsal
from repot.folder.rehearse.sql import load
from repot.folder.rehearse.sweep import told, unfinished
from repot.folder.session import open_session
from repot.folder.standing import Comparison, look
from repot.model.finding import Finding, info, warning
from repot.model.names import Name
from repot.model.progress import Progress, Silent
from repot.postgres.connect import Connection


def rehearse(
    dsn: str, path: Path, *, data: bool = False, progress: Progress | None = None
) -> Rehearsal:
    """Run what is pending on a copy in a private server; the database itself is only read.

    data: copy the rows, too: without them nothing can fail on them, and times say little. Raises
    UsageError `no-migrations`; RepotError `rehearse-no-server`, `rehearse-dump`, `rehearse-disk`.
    """
    began = time.monotonic()
    say = progress or Silent()
    book = open_book(path)
    with closing(open_session(dsn, "repot rehearse")) as source:
        standing = look(source, book)
        pending = standing.pending
        findings = _unreadable(book, pending)
        if findings or not pending:
            return Rehearsal(findings=findings, left=pending, data=data)
        sizes = _sizes(source)
        say.start("copy", "Copy", None, "")
        with copied(source, dsn, data=data) as copy:
            say.finish("copy")
            made = time.monotonic()
            target = source.info.server_version // 10000
            runs, swept = _play(book, standing, copy, sizes, say)
            failed = runs[-1].failure is not None
            return Rehearsal(
                files=tuple(runs),
                left=pending[len(runs) :] if failed else (),
                findings=(*_about(copy, target), *_skipped(runs, copy), *swept),
                server=copy.version,
                target=target,
                data=data,
                copied_ms=(made - began) * 1000,
                ms=(time.monotonic() - began) * 1000,
            )


def _play(
    book: Book, standing: Comparison, copy: Copy, sizes: dict[str, int], say: Progress
) -> tuple[list[FileRun], list[Finding]]:
    runs: list[FileRun] = []
    with closing(open_session(copy.dsn, "repot rehearse")) as conn:
        before = unfinished(conn)
        stage = Stage(conn, copy.dsn, _lacking(copy), sizes)
        say.start("rehearse", "Rehearse", len(standing.pending), "files")
        for name in standing.pending:
            page = book.get(name)
            assert page is not None
            attempt = standing.open.get(name, (None, None))[0]
            runs.append(play(stage, page, attempt.done + 1 if attempt else 1))
            say.advance("rehearse", 1)
            if runs[-1].failure is not None:
                break
        say.finish("rehearse")
        return runs, told(before, unfinished(conn))


def _unreadable(book: Book, pending: tuple[str, ...]) -> tuple[Finding, ...]:
    """What keeps a pending file from being run at all."""
    files = {p.file for p in book.pages if p.name in pending and p.up.troubles}
    return tuple(f for f in book.findings if f.file in files)


def _sizes(conn: Connection) -> dict[str, int]:
    rows = conn.execute(load("sizes.sql")).fetchall()
    return {
        str(Name(schema_=str(s), name=str(n))): int(str(rows_))
        for s, n, rows_, _ in rows
        if int(str(rows_)) >= 0
    }


def _lacking(copy: Copy) -> str:
    """In words; empty where the copy is whole."""
    if copy.lacking:
        plural = "s" if len(copy.lacking) > 1 else ""
        return f"the extension{plural} {', '.join(copy.lacking)}"
    return "what could not be copied" if copy.gaps else ""


def _about(copy: Copy, target: int) -> list[Finding]:
    found = []
    if copy.version != target:
        found.append(
            info(
                "rehearsed-on-other-version",
                f"the copy runs on PostgreSQL {copy.version}, the database on {target}",
                hint=f"a private server of version {target} (REPOT_PG_BIN) would be nearer",
            )
        )
    for name in copy.lacking:
        found.append(
            warning(
                "rehearsed-without-extension",
                f"the private server has no extension {name}: what needs it is not in the copy",
                object=name,
                hint="statements that need it are named as not rehearsed; install it for the "
                "private server, or try them on a staging database",
            )
        )
    if copy.gaps:
        found.append(
            warning(
                "copy-incomplete",
                f"{len(copy.gaps)} statements of the dump were refused by the private server",
                count=len(copy.gaps),
                examples=tuple(f"{g.command[:80]}: {g.message}" for g in copy.gaps[:3]),
                hint="what depends on them could not be rehearsed",
            )
        )
    return found


def _skipped(runs: list[FileRun], copy: Copy) -> list[Finding]:
    return [
        warning(
            "not-rehearsed",
            f"{step.sql[:80]}: {step.not_rehearsed}",
            file=run.file,
            line=step.line,
            hint="try it on a server that has what the copy lacks",
        )
        for run in runs
        for step in run.steps
        if step.not_rehearsed
    ]
