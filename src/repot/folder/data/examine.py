"""All data rules over the pending files, statement by statement, and over the ways back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from repot.folder.book import Book
from repot.folder.data import downs
from repot.folder.data.apply import apply
from repot.folder.data.ask import STATEMENT_MS, Unknown, reading
from repot.folder.data.changes import changes
from repot.folder.data.rule import DataRule, Hit, Moment
from repot.folder.data.rules import RULES
from repot.folder.data.today import look
from repot.folder.data.world import World
from repot.folder.settings import Settings
from repot.folder.text import Statement
from repot.model.finding import Finding, info
from repot.postgres.connect import Connection


def examine_data(
    conn: Connection,
    book: Book,
    pending: Sequence[str],
    settings: Settings | None = None,
    *,
    timeout_ms: int = STATEMENT_MS,
    rules: Sequence[DataRule] = RULES,
) -> tuple[Finding, ...]:
    """What the pending migrations would meet in the data; nothing is written, no lock is kept.

    pending: their names, in the order in which they are to run; the other pages of the book are
    taken as applied, and their down scripts are looked at as well. timeout_ms: for one question.
    """
    chosen = settings or Settings()
    wanted = set(pending)
    with reading(conn, timeout_ms) as reader:
        try:
            today = look(reader)
        except Unknown:
            return tuple(_unread(reader.unread))
        world = World(today, reader)
        findings: list[Finding] = []
        for page in book.pages:
            if page.name in wanted:
                statements = page.statements
                for statement, hit, rule in walk(world, statements, chosen, page.file, rules):
                    findings.append(rule.finding(hit, page.file, statement.line))
        applied = [page for page in book.pages if page.name not in wanted]
        findings += downs.examine(World(today, reader), applied, chosen, walk)
        findings += _unread(reader.unread)
    return tuple(findings)


def walk(
    world: World,
    statements: Sequence[Statement],
    settings: Settings,
    file: str,
    rules: Sequence[DataRule] = RULES,
    watch: Callable[[Moment, Statement], None] | None = None,
) -> Iterator[tuple[Statement, Hit, DataRule]]:
    """What the rules find, one change after the other; the world goes on with each.

    watch: is shown every change before it takes place.
    """
    for statement in statements:
        for change in changes(statement):
            moment = Moment(change, world, settings, file)
            if watch is not None:
                watch(moment, statement)
            for rule in rules:
                try:
                    for hit in rule.find(moment):
                        yield statement, hit, rule
                except Unknown:
                    continue
            apply(world, change)


def _unread(unread: dict[str, str]) -> list[Finding]:
    return [
        info(
            "data-not-examined",
            f"a question about {table} was not answered: {why}",
            object=table,
            hint="its rows were not looked at; give the role the right to read it, or more time "
            "(--timeout)",
        )
        for table, why in unread.items()
    ]
