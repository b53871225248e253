"""The way back of a migration: its down.sql, or one that is worked out from the file itself."""

from __future__ import annotations

from dataclasses import dataclass

from postgast import pg_query_pb2 as pb

from repot.folder.book import Book, Page
from repot.folder.history.checksum import matches
from repot.folder.text import Statement
from repot.folder.undo.derive import derive
from repot.model.finding import Finding, error
from repot.model.folder import Entry
from repot.model.undo import Step, Undone

_HINT = "write the way back by hand: {down}, beside the migration"


@dataclass(frozen=True)
class Way:
    """The steps in the order in which they run; findings: why there are none."""

    page: Page
    derived: bool
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def shown(self) -> Undone:
        return Undone(name=self.page.name, derived=self.derived, steps=self.steps)


def way_back(book: Book, page: Page, entry: Entry | None) -> Way:
    """Nothing is run. entry: the row of the history that says it is applied."""
    if page.down is not None:
        steps, found = _given(page.down.script.file, page.down.statements)
        wrong = tuple(f for f in book.findings if f.file == page.down.script.file)
        return Way(page, False, steps, (*wrong, *found))
    hint = _HINT.format(down=down_file(page))
    if page.up.troubles:
        return Way(page, True, (), tuple(f for f in book.findings if f.file == page.file))
    if entry is not None and entry.checksum and not matches(entry.checksum, page.up.script.text):
        return Way(
            page,
            True,
            (),
            (
                error(
                    "down-not-derivable",
                    f"{page.name} was edited after it was applied: what it did cannot be told from "
                    "the file",
                    file=page.file,
                    hint=hint,
                ),
            ),
        )
    derived, refusals = derive(book, page)
    return Way(
        page,
        True,
        derived,
        tuple(
            error(
                "down-not-derivable",
                f"the way back of this statement cannot be derived: {r.why}",
                file=page.file,
                line=r.line,
                object=page.name,
                hint=hint,
            )
            for r in refusals
        ),
    )


def down_file(page: Page) -> str:
    """Where the way back belongs, below the folder."""
    if page.file.endswith("/migration.sql"):
        return page.file.removesuffix("migration.sql") + "down.sql"
    return page.file.removesuffix(".sql") + ".down.sql"


def _given(
    file: str, statements: tuple[Statement, ...]
) -> tuple[tuple[Step, ...], tuple[Finding, ...]]:
    """A frame of BEGIN and COMMIT is left out: the script runs in Repot's own transaction."""
    inner = list(statements)
    if (
        len(inner) >= 2
        and _transaction(inner[0]) == "begin"
        and _transaction(inner[-1]) == "commit"
    ):
        inner = inner[1:-1]
    found = [
        error(
            "down-own-transaction",
            "the way back ends or divides the transaction in which its losses are counted and kept",
            file=file,
            line=s.line,
            hint="take BEGIN, COMMIT and the like out of it: it runs in one transaction anyway",
        )
        for s in inner
        if s.kind == "transaction_stmt"
    ]
    found += [
        error(
            "down-not-transactional",
            "CONCURRENTLY does not work within a transaction, and the way back runs in one",
            file=file,
            line=s.line,
            hint="write it without CONCURRENTLY",
        )
        for s in inner
        if s.kind in ("drop_stmt", "index_stmt", "reindex_stmt")
        and getattr(s.node, "concurrent", False)
    ]
    return tuple(Step(sql=s.text, file=file, line=s.line) for s in inner), tuple(found)


def _transaction(statement: Statement) -> str:
    if statement.kind != "transaction_stmt":
        return ""
    if statement.node.kind in (pb.TRANS_STMT_BEGIN, pb.TRANS_STMT_START):
        return "begin"
    return "commit" if statement.node.kind == pb.TRANS_STMT_COMMIT else "other"
