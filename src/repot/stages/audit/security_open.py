"""What everybody, or PostgREST's roles, can reach past row security: grants, views, functions,
owners."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from repot.model.finding import Finding, info, warning
from repot.model.names import quoted
from repot.stages.audit.inventory import dotted
from repot.stages.audit.query import Row

_ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE")


def findings(
    exposure: Sequence[Row], callable_: Sequence[Row], bypassing: Sequence[Row]
) -> Iterator[Finding]:
    """The three are the rows of the files in sql/ that are called so."""
    for row in exposure:
        yield from _relation(row)
    yield from _grants(exposure)
    yield from _functions(callable_)
    for row in bypassing:
        yield _role(row) if row["kind"] == "role" else _schema(row)


def open_to(row: Row, *privileges: str) -> list[str]:
    """Who holds one of the privileges on the relation."""
    held: Mapping[str, list[str]] = row["open"] or {}
    return sorted(who for who, has in held.items() if set(has) & set(privileges))


def _relation(row: Row) -> Iterator[Finding]:
    name = dotted(row["name"])
    who = open_to(row, *_ROWS)
    if row["owned_by"] and row["guarded"]:
        yield warning(
            "rls-owner-api",
            f"{name} belongs to {quoted(row['owner'])}, which {', '.join(row['owned_by'])} may act "
            "as: row security does not hold for the owner",
            hint=f"ALTER TABLE {name} OWNER TO another role, or FORCE ROW LEVEL SECURITY",
            object=name,
        )
    if not who:
        return
    people = ", ".join(who)
    if row["guarded_root"] and not row["guarded"]:
        yield warning(
            "partition-open",
            f"{name} is granted to {people}, and its table's row security does not hold for it",
            hint=f"REVOKE ALL ON {name} FROM {people}; or enable row security on it, too",
            object=name,
        )
    elif row["kind"] in ("r", "p") and not row["guarded"]:
        yield warning(
            "rls-off-open",
            f"{name} is granted to {people} without row security",
            hint="enable row security on V2's table, if not everybody is to have all rows",
            object=name,
        )
    if row["kind"] == "v" and row["reads_guarded"] and not row["invoker"]:
        yield warning(
            "view-bypasses-rls",
            f"the view {name}, granted to {people}, reads {', '.join(row['reads_guarded'])} with "
            f"the rights of {quoted(row['owner'])}: their policies do not hold for the caller",
            hint=f"ALTER VIEW {name} SET (security_invoker = true) (PostgreSQL 15 and later); else "
            "take the grant back",
            object=name,
        )
    if row["kind"] == "m" and row["reads_guarded"]:
        yield warning(
            "matview-open",
            f"the materialised view {name}, granted to {people}, holds rows of "
            f"{', '.join(row['reads_guarded'])}: it knows no policies",
            hint=f"REVOKE ALL ON {name} FROM {people}; and give its rows through a function",
            object=name,
        )


def _grants(exposure: Sequence[Row]) -> Iterator[Finding]:
    """Together for each role: V1's tables often have the same grants."""
    tables = [r for r in exposure if r["kind"] in ("r", "p")]
    for who in ("public", "anon", "authenticated"):
        emptied = [dotted(r["name"]) for r in tables if who in open_to(r, "TRUNCATE")]
        if emptied:
            yield warning(
                "grant-truncate",
                f"{who} may empty {_few(emptied)}: TRUNCATE asks no policy",
                hint=f"REVOKE TRUNCATE ON … FROM {who};",
                object=emptied[0] if len(emptied) == 1 else None,
                examples=tuple(emptied[:3]),
            )
        triggered = [
            dotted(r["name"]) for r in tables if who in open_to(r, "TRIGGER", "REFERENCES")
        ]
        if triggered:
            yield info(
                "grant-trigger",
                f"{who} holds TRIGGER or REFERENCES on {_few(triggered)}: with CREATE on a schema, "
                "that is code of theirs, run by whoever writes",
                hint=f"REVOKE TRIGGER, REFERENCES ON … FROM {who};",
                object=triggered[0] if len(triggered) == 1 else None,
                examples=tuple(triggered[:3]),
            )
    anyone = [dotted(r["name"]) for r in exposure if "public" in open_to(r, *_ROWS)]
    if anyone:
        yield warning(
            "grant-public",
            f"PUBLIC, that is every role there will ever be, may reach {_few(anyone)}",
            hint="REVOKE ALL ON … FROM PUBLIC; and grant to the roles that are meant",
            object=anyone[0] if len(anyone) == 1 else None,
            examples=tuple(anyone[:3]),
        )
    writable = [dotted(r["name"]) for r in exposure if "anon" in open_to(r, *_ROWS[1:])]
    if writable:
        yield warning(
            "grant-anon-writes",
            f"anon, who has not signed in, holds INSERT, UPDATE or DELETE on {_few(writable)}: "
            "only policies stand in between",
            hint="REVOKE INSERT, UPDATE, DELETE ON … FROM anon;",
            object=writable[0] if len(writable) == 1 else None,
            examples=tuple(writable[:3]),
        )


def _few(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} tables"


def _functions(callable_: Sequence[Row]) -> Iterator[Finding]:
    asking = {f["name"][1] for f in callable_ if f["checks"]}
    plain = []
    for function in callable_:
        who = function["open"]
        name = f"{dotted(function['name'])}({function['arguments']})"
        if not who:
            continue
        if not function["definer"]:
            if "public" in who:
                plain.append(name)
            continue
        checked = function["checks"] or _calls(function["body"], asking - {function["name"][1]})
        if function["bypasses"] and not checked:
            yield warning(
                "definer-open",
                f"{', '.join(who)} may call {name}, which runs with its owner's rights, past row "
                "security, and does not ask who calls",
                hint="REVOKE EXECUTE ON FUNCTION … FROM PUBLIC, anon, authenticated; or check "
                "auth.uid() in it",
                object=name,
            )
        elif "public" in who:
            plain.append(name)
    if plain:
        yield info(
            "function-public",
            f"PUBLIC may call {plain[0] if len(plain) == 1 else f'{len(plain)} functions'}: every "
            "role may, as PostgreSQL grants it by itself",
            hint="REVOKE EXECUTE ON FUNCTION … FROM PUBLIC; and ALTER DEFAULT PRIVILEGES … REVOKE "
            "EXECUTE ON FUNCTIONS FROM PUBLIC;",
            object=plain[0] if len(plain) == 1 else None,
            examples=tuple(plain[:3]),
        )


def _calls(body: str, names: set[str]) -> bool:
    """Whether the text calls one of the functions, by its bare name."""
    return any(re.search(rf"(?<!\w){re.escape(n)}\"?\s*\(", body) for n in names)


def _role(row: Row) -> Finding:
    return info(
        "role-bypassrls",
        f"the role {quoted(row['name'])} can log in, and no policy holds for it (BYPASSRLS)",
        hint="see that no application uses it on behalf of its users",
        object=quoted(row["name"]),
    )


def _schema(row: Row) -> Finding:
    name = quoted(row["name"])
    who = "PUBLIC" if row["to"] == "public" else quoted(row["to"])
    return warning(
        "schema-create-open",
        f"{who} may create objects in the schema {name}: a table or function of theirs can stand "
        "in for one that is looked up by its name",
        hint=f"REVOKE CREATE ON SCHEMA {name} FROM {who};",
        object=name,
    )
