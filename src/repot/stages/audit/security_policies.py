"""Policies that say too much, or that are of no use: by the text of their conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from repot.model.catalog import Catalog, Policy, Table
from repot.model.finding import Finding, warning
from repot.model.names import quoted
from repot.stages.audit.query import Row

EVERYBODY = ("public", "anon", "authenticated")  # the latter two: PostgREST's and Supabase's
_WRITES = ("ALL", "UPDATE", "DELETE")
_METADATA = re.compile(r"\b(raw_user_meta_data|user_metadata)\b", re.IGNORECASE)
# Conditions that every caller, or everybody who is signed in, fulfils, whatever the row.
_ALWAYS = re.compile(
    r"\(*(true|1 = 1|"
    r"(\( *select )?auth\.role\(\)( as role\))? = 'authenticated'::text|"
    r"(\( *select )?auth\.uid\(\)( as uid\))? is not null)\)*",
    re.IGNORECASE,
)


def always(condition: str | None) -> bool:
    """Whether the condition holds for each row."""
    return condition is not None and bool(_ALWAYS.fullmatch(condition.strip()))


def findings(
    catalog: Catalog,
    policies: Sequence[Row],
    grants: Sequence[Row],
    callable_: Sequence[Row],
) -> Iterator[Finding]:
    """What is wrong with single policies. `policies`: policies.sql, `grants`: policy_grants.sql,
    `callable_`: callable.sql."""
    reading_metadata = {f["oid"]: f for f in callable_ if f["metadata"]}
    called = {(p["oid"], p["name"]): p["calls"] for p in policies}
    for table in catalog.tables:
        for policy in table.policies:
            yield from _open(table, policy)
            names = [
                quoted(reading_metadata[f]["name"][1])
                for f in called.get((table.oid, policy.name), ())
                if f in reading_metadata
            ]
            yield from _metadata(table, policy, names)
    yield from _useless({t.oid: t for t in catalog.tables}, grants)


def _for_everybody(policy: Policy) -> list[str]:
    return [role for role in policy.roles if role in EVERYBODY]


def _open(table: Table, policy: Policy) -> Iterator[Finding]:
    who = _for_everybody(policy)
    if not who or not policy.permissive:
        return
    name = f"the policy {quoted(policy.name)} of {table.name}"
    if policy.command in _WRITES and always(policy.using):
        what = {"ALL": "do everything with", "UPDATE": "change", "DELETE": "delete"}
        yield warning(
            "policy-everybody",
            f"{name} lets {', '.join(who)} {what[policy.command]} every row",
            hint="say whose rows: USING (user_id = (SELECT auth.uid())); permissive policies add "
            "up, so that one like this makes all others of the table vain",
            object=str(table.name),
        )
    elif policy.command in ("ALL", "UPDATE") and policy.using and always(policy.check):
        yield warning(
            "policy-check-wider",
            f"{name} asks whose row it is, and not whose it becomes (WITH CHECK "
            f"{policy.check}): a row can be given to anybody",
            hint="leave WITH CHECK out (USING then holds for the new row, too), or make it as "
            "narrow",
            object=str(table.name),
        )
    elif policy.command == "INSERT" and always(policy.check):
        yield warning(
            "policy-check-open",
            f"{name} lets {', '.join(who)} add any row, in anybody's name",
            hint="WITH CHECK (user_id = (SELECT auth.uid())), if rows belong to somebody",
            object=str(table.name),
        )


def _metadata(table: Table, policy: Policy, through: Sequence[str]) -> Iterator[Finding]:
    text = f"{policy.using or ''} {policy.check or ''}"
    if _METADATA.search(text) or through:
        by = f" (through {', '.join(through)})" if through else ""
        yield warning(
            "policy-user-metadata",
            f"the policy {quoted(policy.name)} of {table.name} trusts the user's own metadata{by}: "
            "everybody may write into their own",
            hint="keep roles in a table of yours, or in app_metadata",
            object=str(table.name),
        )


def _useless(tables: Mapping[int, Table], grants: Sequence[Row]) -> Iterator[Finding]:
    for row in grants:
        table = tables.get(row["oid"])
        if table is None:
            continue
        name = f"the policy {quoted(row['name'])} of {table.name} is for {quoted(row['role'])}"
        if row["no_grant"]:
            yield warning(
                "policy-no-grant",
                f"{name}, who holds no grant for that: it lets nobody do anything",
                hint=f"GRANT … ON {table.name} TO {quoted(row['role'])}, if it is meant",
                object=str(table.name),
            )
        elif row["no_execute"]:
            yield warning(
                "policy-no-execute",
                f"{name}, who may not call {', '.join(row['no_execute'])}: each statement that it "
                "applies to fails",
                hint=f"GRANT EXECUTE ON FUNCTION … TO {quoted(row['role'])};",
                object=str(table.name),
            )
