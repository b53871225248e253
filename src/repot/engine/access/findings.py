"""What is wrong, as findings: differences, failures, and what access.toml leaves out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from repot.engine.access.judge import unseen
from repot.engine.access.scene import Place, Shape
from repot.model.access import NONE, AccessRules, Callable, Cell, Operation
from repot.model.finding import Finding, error, info
from repot.model.names import Name, toml

FILE = "access.toml"
NEVER = ("it takes no writes", "it cannot be emptied")  # nothing is missing there
_VERB = {
    Operation.SELECT: "see rows of",
    Operation.INSERT: "add rows to",
    Operation.UPDATE: "change rows of",
    Operation.DELETE: "delete rows of",
    Operation.TRUNCATE: "empty",
}


def cell_findings(found: Sequence[Cell]) -> Iterator[Finding]:
    """One finding for each table, identity and operation that differs; and what was not tried."""
    grouped: dict[tuple[str, str, Operation, str], list[Cell]] = {}
    for cell in found:
        for kind in {p.split(": ", 1)[0] for p in cell.problems}:
            grouped.setdefault((cell.table, cell.identity, cell.operation, kind), []).append(cell)
    for (table, identity, operation, kind), cells in sorted(grouped.items()):
        texts = dict.fromkeys(
            p.split(": ", 1)[1] for c in cells for p in c.problems if p.startswith(kind)
        )
        said, what = _declared(cells[0].expected), "; ".join(list(texts)[:4])
        yield _finding(kind, identity, _VERB[operation], table, said, what)
    yield from _untried(found)


def _finding(kind: str, who: str, verb: str, table: str, said: str, what: str) -> Finding:
    if kind == "more":
        return error(
            "access-more",
            f"{who} may {verb} {table} beyond what is declared ({said}): {what}",
            hint="take the grant back (REVOKE), or narrow the policy; access.toml is to say what "
            "is meant",
            file=FILE,
            object=table,
        )
    if kind == "less":
        return error(
            "access-less",
            f"{who} may not {verb} {table} as declared ({said}): {what}",
            hint="a grant or a policy is missing, or access.toml promises too much",
            file=FILE,
            object=table,
        )
    return error(
        "access-error",
        f"{who} cannot {verb} {table}, as it fails: {what}",
        hint="whoever this applies to gets this error from every such statement",
        file=FILE,
        object=table,
    )


def _declared(word: str | None) -> str:
    if word is None:
        return "nothing"
    return word if len(word) <= 60 else word[:57] + "…"


def _untried(found: Sequence[Cell]) -> Iterator[Finding]:
    """What no person of an identity could try, although something is declared."""
    grouped: dict[tuple[str, str, Operation], list[Cell]] = {}
    for cell in found:
        if cell.expected is not None:
            key = (cell.table, cell.identity, cell.operation)
            grouped.setdefault(key, []).append(cell)
    open_: dict[str, list[str]] = {}
    reasons: dict[str, set[str]] = {}
    for (table, identity, operation), cells in grouped.items():
        why = unseen([c.tries for c in cells], cells[0].expected or NONE)
        if why and why not in NEVER:
            open_.setdefault(table, []).append(f"{identity} {operation.value}")
            reasons.setdefault(table, set()).add(why)
    for table, what in sorted(open_.items()):
        more = f" and {len(what) - 6} more" if len(what) > 6 else ""
        yield info(
            "access-untried",
            f"{table}: not tried: {', '.join(what[:6])}{more}: {'; '.join(sorted(reasons[table]))}",
            hint="try again where there are such rows, for instance on a copy with test data",
            object=table,
        )


def declared_findings(
    rules: AccessRules, place: Place, shapes: Sequence[Shape], only: Collection[str] = ()
) -> list[Finding]:
    """Tables without a section, sections without a table, owners that are no column; of all tables
    or `only` of some."""
    if place.side == "v1":
        return []
    found = _declared_findings(rules, place, shapes)
    return [f for f in found if not only or f.object in only]


def _declared_findings(
    rules: AccessRules, place: Place, shapes: Sequence[Shape]
) -> Iterator[Finding]:
    names = {_called(s.name, place): s for s in shapes}
    roots = {n for n, s in names.items() if s.root is not None}
    for name in names:
        if name not in rules.tables and name not in roots:
            yield error(
                "access-undeclared",
                f"access.toml says nothing of {name}",
                hint=f"add [table.{_key(name)}], with who may reach its rows",
                file=FILE,
                object=name,
            )
    for name, table in rules.tables.items():
        shape = names.get(name)
        if shape is None:
            yield error(
                "access-unknown",
                f"access.toml names {name}, which is not there",
                hint=f"the tables are {', '.join(sorted(names))}"[:300],
                file=FILE,
                object=name,
            )
            continue
        columns = {table.owner} if table.owner else set()
        for rights in table.rights.values():
            columns |= {*(rights.columns or ()), *(rights.read or ())}
        for column in sorted(columns):
            if shape.column(column) is None:
                yield error(
                    "access-unknown",
                    f"access.toml names the column {name}.{column}, which is not there",
                    file=FILE,
                    object=name,
                )


def function_findings(
    rules: AccessRules, place: Place, found: Sequence[Callable]
) -> Iterator[Finding]:
    """Functions that may be called and are not declared, and the other way round."""
    if rules.functions is None or place.side == "v1":
        return
    for identity in rules.identities:
        declared = rules.functions.get(identity.name, ())
        if declared is None:
            continue
        may = [f for f in found if identity.name in f.identities]
        for function in may:
            if not {function.function, _bare(function.function)} & set(declared):
                lends = " with the rights of its owner" if function.definer else ""
                yield error(
                    "access-function",
                    f"{identity.name} may call {function.function}{lends}, and access.toml does "
                    "not say so",
                    hint=f"REVOKE EXECUTE ON FUNCTION … FROM PUBLIC, {identity.role}; or name it "
                    "in [functions]",
                    file=FILE,
                    object=function.function,
                )
        names = {n for f in may for n in (f.function, _bare(f.function))}
        for name in declared:
            if name not in names:
                yield error(
                    "access-function",
                    f"{identity.name} may not call {name}, and access.toml says that it may",
                    hint=f"GRANT EXECUTE ON FUNCTION … TO {identity.role};",
                    file=FILE,
                    object=name,
                )


def _bare(function: str) -> str:
    return function.split("(", 1)[0].strip('"')


def _called(name: Name, place: Place) -> str:
    return name.name if name.schema_ == place.schema else f"{name.schema_}.{name.name}"


def _key(name: str) -> str:
    """The name as a TOML key."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml(name)
