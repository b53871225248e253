"""Who may see what: row security that fails or is not there, and functions that lend rights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from repot.model.catalog import Catalog, Table
from repot.model.finding import Finding, warning
from repot.postgres.connect import Connection
from repot.stages.audit import security_open, security_policies
from repot.stages.audit.inventory import Inventory, dotted
from repot.stages.audit.query import Row, rows


def findings(
    conn: Connection, schemas: tuple[str, ...], catalog: Catalog, inventory: Inventory
) -> Iterator[Finding]:
    """What row security, grants and SECURITY DEFINER say about V1."""
    policies = rows(conn, "policies.sql", schemas)
    callable_ = rows(conn, "callable.sql", schemas)
    for table in catalog.tables:
        yield from _row_security(table)
    yield from recursion(catalog, policies, inventory.functions)
    yield from security_policies.findings(
        catalog, policies, rows(conn, "policy_grants.sql", schemas), callable_
    )
    yield from security_open.findings(
        rows(conn, "exposure.sql", schemas), callable_, rows(conn, "bypassing.sql", schemas)
    )
    for function in inventory.functions:
        detail = function["detail"]
        if detail["security_definer"] and not detail["search_path"]:
            name = f"{dotted(function['name'])}({function['arguments']})"
            yield warning(
                "definer-search-path",
                f"the function {name} is SECURITY DEFINER without a search_path of its own: its "
                "caller decides which tables it works on, with its owner's rights",
                hint="ALTER FUNCTION … SET search_path = …; at the cutover its names change "
                "their meaning with the schemas",
                object=name,
            )


def _row_security(table: Table) -> Iterator[Finding]:
    if table.row_security and not table.policies:
        yield warning(
            "rls-no-policy",
            f"{table.name} has row security and no policy: nobody but its owner sees a row",
            hint="say in target.sql who may see V2's rows",
            object=str(table.name),
        )
    if table.policies and not table.row_security:
        yield warning(
            "rls-not-enabled",
            f"{table.name} has policies, but row security is not enabled: they do nothing",
            hint="ALTER TABLE … ENABLE ROW LEVEL SECURITY, if they are meant",
            object=str(table.name),
        )


def recursion(
    catalog: Catalog, policies: Sequence[Row], functions: Sequence[Row]
) -> Iterator[Finding]:
    """Policies that need themselves to be decided: every query of the table then fails with
    "infinite recursion detected in policy". A function ends the circle only where it is SECURITY
    DEFINER; else the tables that its text names count as read."""
    guarded = {t.oid: t for t in catalog.tables if t.row_security}
    by_name = {str(t.name): t.oid for t in guarded.values()}
    called = {
        f["oid"]: {by_name[m] for m in f["mentions"] if m in by_name}
        for f in functions
        if not f["detail"]["security_definer"]
    }
    reads: dict[int, set[int]] = {}
    for policy in policies:
        if policy["oid"] in guarded:
            through = [called.get(f, set()) for f in policy["calls"]]
            reached = {r for r in policy["reads"] if r in guarded}.union(*through)
            reads.setdefault(policy["oid"], set()).update(reached)
    for oid in reads:
        path = _way_back(oid, reads)
        if not path:
            continue
        table = guarded[oid]
        own = [p["name"] for p in policies if p["oid"] == oid]
        way = " → ".join(str(guarded[o].name) for o in (oid, *path))
        yield warning(
            "rls-recursion",
            f"the policies of {table.name} go in a circle ({way}): whoever they apply to gets "
            '"infinite recursion detected in policy"',
            hint="ask through a SECURITY DEFINER function with a search_path of its own",
            object=str(table.name),
            examples=tuple(own[:3]),
        )


def _way_back(start: int, reads: Mapping[int, set[int]]) -> tuple[int, ...]:
    """The shortest way from a table over its policies back to it, or nothing."""
    ways: list[tuple[int, ...]] = [(n,) for n in sorted(reads.get(start, ()))]
    seen: set[int] = set()
    while ways:
        way = ways.pop(0)
        if way[-1] == start:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            ways += [(*way, n) for n in sorted(reads.get(way[-1], ()))]
    return ()
