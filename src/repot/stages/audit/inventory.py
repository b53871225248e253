"""Everything in V1 beside its rows, as a list; and what outside V1 points into it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from repot.model.audit import Item
from repot.model.catalog import Catalog
from repot.model.finding import Finding, info, warning
from repot.model.names import quoted
from repot.postgres.connect import Connection
from repot.stages.audit.query import Row, rows

_NAMES_WITHIN = ("reads", "points_to", "tables")  # details that are lists of names


@dataclass(frozen=True)
class Inventory:
    """The items, and the rows behind them that further probes need."""

    items: tuple[Item, ...]
    functions: list[Row]  # with `mentions`: the V1 tables that their text names
    objects: list[Row]
    outside: list[Row]
    indexes: list[Row]
    jobs_hidden: bool = False

    def of_kind(self, kind: str) -> list[Row]:
        return [row for row in (*self.objects, *self.outside) if row["kind"] == kind]


def read_inventory(conn: Connection, schemas: tuple[str, ...], catalog: Catalog) -> Inventory:
    """Read it, in the caller's transaction."""
    functions = rows(conn, "functions.sql", schemas)
    jobs, hidden = _jobs(conn)
    for row in (*functions, *jobs):
        row["mentions"] = mentioned(str(row.pop("body") or ""), catalog)
    objects = rows(conn, "objects.sql", schemas)
    outside = rows(conn, "outside.sql", schemas)
    _follow_functions(outside, functions)
    indexes = rows(conn, "indexes.sql", schemas)
    items = [*_of_tables(catalog, indexes)]
    items += [_item(row) for row in (*objects, *outside)]
    items += [_item(row, mentions=row["mentions"]) for row in (*functions, *jobs)]
    return Inventory(tuple(items), functions, objects, outside, indexes, hidden)


def _item(row: Row, **more: object) -> Item:
    detail: dict[str, Any] = {**row["detail"], **more}
    for key in _NAMES_WITHIN:
        if detail.get(key):
            detail[key] = [dotted(name) for name in detail[key]]
    name = row["name"] if isinstance(row["name"], str) else dotted(row["name"])
    if "arguments" in row:
        name += f"({row['arguments']})"
    return Item(
        kind=row["kind"],
        name=name,
        table=dotted(row["table"]) if row.get("table") else None,
        owner=row.get("owner"),
        detail={k: v for k, v in detail.items() if k != "function_oid"},
    )


def dotted(parts: Sequence[str]) -> str:
    """schema.name, quoted as people write it."""
    return ".".join(map(quoted, parts))


def mentioned(body: str, catalog: Catalog) -> list[str]:
    """The tables that a function's text names. A guess: it is text, in any language."""
    lowered = body.casefold()
    return [
        str(t.name)
        for t in catalog.tables
        if t.parent is None
        and t.name.name.casefold() in lowered
        and re.search(r"(?<!\w)" + re.escape(t.name.name) + r"(?!\w)", body, re.IGNORECASE)
    ]


def _jobs(conn: Connection) -> tuple[list[Row], bool]:
    """pg_cron's jobs, and whether some may be hidden: other roles' jobs are, by a policy."""
    row = conn.execute(
        "select pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
        " and pg_catalog.has_table_privilege(c.oid, 'SELECT'),"
        " pg_catalog.row_security_active(c.oid)"
        " from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'cron' and c.relname = 'job' and c.relkind = 'r'"
    ).fetchone()
    if row is None or not row[0]:
        return [], row is not None
    if not row[1]:
        return rows(conn, "jobs.sql", ()), False
    conn.execute("set local row_security = on")  # else reading them is an error
    try:
        return rows(conn, "jobs.sql", ()), True
    finally:
        conn.execute("set local row_security = off")


def _follow_functions(outside: list[Row], functions: list[Row]) -> None:
    """Outside triggers point into V1 through their function: keep those that do."""
    known = {row["oid"]: row for row in functions}
    for row in [r for r in outside if r["kind"] == "outside-trigger"]:
        function = known.get(row["detail"]["function"])
        if function is None:
            outside.remove(row)
            continue
        row["detail"] |= {
            "function": dotted(function["name"]),
            "points_to": [],
            "mentions": function["mentions"],
        }


def _of_tables(catalog: Catalog, indexes: list[Row]) -> Iterator[Item]:
    """What belongs to tables. A trigger's arguments may hold secrets: no definition of it."""
    sizes = {(row["oid"], row["name"]): row for row in indexes}
    for table in catalog.tables:
        place = str(table.name)
        for key in table.uniques:
            kind = "primary-key" if key.primary else "unique"
            yield _part(kind, key.name, place, columns=list(key.columns))
        for link in table.foreign_keys:
            yield _part("foreign-key", link.name, place, definition=link.definition)
        for check in table.checks:
            yield _part("check", check.name, place, definition=check.definition)
        for index in table.indexes:
            known = sizes.get((table.oid, index.name), {})
            yield _part(
                "index",
                index.name,
                place,
                definition=index.definition,
                bytes=known.get("bytes"),
                scans=known.get("scans"),
            )
        for trigger in table.triggers:
            enabled = trigger.enabled != "D"
            yield _part(
                "trigger", trigger.name, place, function=str(trigger.function), enabled=enabled
            )
        for policy in table.policies:
            yield _part("policy", policy.name, place, **policy.model_dump(exclude={"name"}))


def _part(kind: str, name: str, table: str, **detail: Any) -> Item:
    detail = {k: list(v) if isinstance(v, tuple) else v for k, v in detail.items()}
    return Item(kind=kind, name=quoted(name), table=table, detail=detail)


_OUTSIDE = {
    "outside-trigger": "the trigger {name} on {table} calls {function}, which works on V1: after "
    "the cutover it must work on V2, or every write to {table} fails",
    "outside-view": "the view {name} reads {points_to}: it follows V1's tables when they are "
    "retired",
    "outside-foreign-key": "the foreign key {name} of {table} refers to {points_to}: it stays on "
    "V1's table when that is retired",
    "outside-policy": "the policy {name} of {table} reads {points_to}: it follows V1's tables",
    "outside-default": "the default of {table}.{name} uses {points_to}",
    "bound-function": "the function {name} has an SQL body (BEGIN ATOMIC) bound to {points_to}: it "
    "follows V1's tables, whatever they are called",
    "outside-function": "the function {name} in another schema names V1 in its text: {mentions}",
}


def findings(inventory: Inventory) -> Iterator[Finding]:
    """What the cutover has to lead to V2, and other things of the whole database."""
    for item in inventory.items:
        text = _OUTSIDE.get(item.kind)
        if text is None:
            continue
        detail = {
            k: ", ".join(v) if isinstance(v, list) else str(v) for k, v in item.detail.items()
        }
        words = {"points_to": "", "function": "", "mentions": ""} | detail
        report = info if item.kind == "outside-function" else warning
        yield report(
            item.kind,
            text.format_map(words | {"name": item.name, "table": item.table or ""}),
            hint="put its new definition into outside/*.sql: run in the cutover, after the swap",
            object=item.table or item.name,
        )
    yield from _databasewide(inventory)


def _databasewide(inventory: Inventory) -> Iterator[Finding]:
    for item in inventory.items:
        if item.kind == "extension" and item.detail["within"]:
            yield info(
                "extension-within",
                f"the extension {item.name} lies in V1's schema "
                + quoted(str(item.detail["schema"])),
                hint='swap = "tables" leaves it where it is; "schema" would carry it away',
                object=item.name,
            )
        if item.kind == "publication" and (item.detail["all_tables"] or item.detail["tables"]):
            yield info(
                "publication",
                f"the publication {item.name} sends V1's tables to subscribers",
                hint="the cutover puts V2's tables in their place: subscribers need those first",
                object=item.name,
            )
        if item.kind == "event-trigger" and item.detail["enabled"] != "D":
            yield info(
                "event-trigger",
                f"the event trigger {item.name} runs on {item.detail['event']}: on Repot's DDL too",
                hint="see that it lets the schemas repot* pass",
                object=item.name,
            )
        if item.kind == "job" and item.detail.get("mentions"):
            mentions = item.detail["mentions"]
            assert isinstance(mentions, list)
            yield info(
                "job",
                f"the job {item.name} works on {', '.join(mentions)}",
                hint="look at its command before the cutover: it will meet V2 under V1's names",
                object=item.name,
            )
    if inventory.jobs_hidden:
        yield info(
            "jobs-hidden",
            "pg_cron's jobs of other roles cannot be seen by this role",
            hint="run the audit as a superuser to list them",
        )
