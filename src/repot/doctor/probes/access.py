"""Row security that hides rows nobody meant to hide, and rights that stop before the table."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql

from repot.doctor.visit import Row, Visit, error, info, warning
from repot.model.doctor import Trouble
from repot.model.names import name, quoted
from repot.moves.install import set_search_path

_TRY_MS = 3000  # one look as a role
_ENDLESS = ("42P17", "54001")  # infinite recursion in a policy; the stack is full
_UNDECIDED = ("55P03", "25006")  # somebody holds a lock; a policy that writes, which it may


def schemas(visit: Visit) -> Iterator[Trouble]:
    """Schemas that roles were not let into, although they were given tables there."""
    for row in visit.rows("schemas.sql"):
        schema, role = quoted(row["schema"]), quoted(row["role"])
        yield error(
            "schema-not-usable",
            f"{role} has rights on {row['tables']} tables of {schema} and none on the schema: each "
            'query fails with "permission denied for schema"',
            hint="a schema made anew (by a reset, by a restore) has lost its grants",
            next=f"GRANT USAGE ON SCHEMA {schema} TO {role};",
            object=schema,
            examples=(str(name(row["schema"], row["example"])),),
        )


def tables(visit: Visit) -> Iterator[Trouble]:
    """Row security without a policy, and policies without row security."""
    hidden: dict[tuple[str, str], list[str]] = {}
    for row in visit.rows("row_security.sql"):
        table = str(name(row["schema"], row["name"]))
        if not row["on"]:
            yield warning(
                "policies-idle",
                f"{table} has policies, and row security is off: who may read it reads all",
                hint="see that the policies are the ones that are meant, then enable it",
                next=f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;",
                object=table,
            )
        elif not row["readable"] and row["granted"]:
            what = "no policy" if not row["policies"] else "no policy for SELECT"
            hidden.setdefault((what, ", ".join(row["granted"])), []).append(table)
    for (what, roles), names in hidden.items():
        alone = len(names) == 1
        have = f"{names[0]} has" if alone else f"{len(names)} tables have"
        yield warning(
            "rows-hidden",
            f"{have} row security and {what}: {roles} may read {'it' if alone else 'them'} and see "
            "no row",
            hint="write a policy that says who sees what, or REVOKE what is not meant",
            next=f"CREATE POLICY … ON {names[0]} FOR SELECT TO … USING (…);",
            object=names[0] if alone else None,
            examples=() if alone else tuple(names),
        )


def policies(visit: Visit) -> Iterator[Trouble]:
    """Policies for roles that are not let in."""
    for row in visit.rows("policies.sql"):
        table = name(row["schema"], row["table"])
        right = "SELECT, INSERT, UPDATE, DELETE" if row["command"] == "ALL" else row["command"]
        yield error(
            "policy-no-grant",
            f"the policy {quoted(row['policy'])} of {table} is for {quoted(row['role'])}, who has "
            f"no right to {row['command']}: it never comes to be asked",
            hint="a table made anew has lost its grants; a policy gives none",
            next=f"GRANT {right} ON {table} TO {quoted(row['role'])};",
            object=str(table),
        )


def policies_tried(visit: Visit) -> Iterator[Trouble]:
    """Each table with policies, read as the roles that may read it, with nobody signed in."""
    strangers: set[str] = set()
    failed: dict[tuple[str, str, str, str], list[str]] = {}
    for row in visit.rows("readers.sql"):
        if not row["member"]:
            strangers.add(row["role"])
            continue
        why = _failure(visit, row)
        if why is not None:
            table = str(name(row["schema"], row["table"]))
            failed.setdefault((table, row["table"], *why), []).append(quoted(row["role"]))
    for (table, bare, state, said), roles in failed.items():
        yield _fails(table, _conditions(bare), state, said, ", ".join(roles))
    if strangers:
        yield info(
            "policies-not-tried",
            f"policies were not tried as {', '.join(sorted(strangers))}: this role is no member",
            hint="GRANT … TO …; or examine as a role that may take them",
        )


def _failure(visit: Visit, row: Row) -> tuple[str, str] | None:
    """The SQLSTATE and the server's words; None where it can be read, or nothing is known."""
    try:
        with visit.conn.transaction(force_rollback=True):
            _read(visit, row)
    except psycopg.Error as failed:
        if visit.conn.closed:
            raise
        if failed.sqlstate in _UNDECIDED:
            return None
        return failed.sqlstate or "", failed.diag.message_primary or str(failed).strip()
    return None


def _fails(table: str, conditions: str, state: str, said: str, roles: str) -> Trouble:
    shown = {"next": conditions, "object": table}
    if state == "57014":
        return warning(
            "policy-slow",
            f"{roles} was not shown one row of {table} within {_TRY_MS / 1000:g} s",
            hint="policies are asked for every row: put functions in them into (select …), and "
            "index the columns that they compare",
            **shown,
        )
    if state in _ENDLESS:
        return error(
            "policy-recursion",
            f"the policies of {table} need themselves to be decided: whatever {roles} asks of it "
            f'fails with "{said}"',
            hint="ask through a SECURITY DEFINER function with a search_path of its own",
            **shown,
        )
    return error(
        "policy-fails",
        f'whatever {roles} asks of {table} fails with "{said}" ({state})',
        hint="the policies' conditions use what this role may not use, or what is gone",
        **shown,
    )


def _read(visit: Visit, row: Row) -> None:
    conn = visit.conn
    conn.execute(sql.SQL("set local statement_timeout = {}").format(sql.Literal(_TRY_MS)))
    conn.execute("set local row_security = on")
    set_search_path(conn, row["schema"], "public")  # functions may look for names as requests do
    conn.execute(sql.SQL("set local role {}").format(sql.Identifier(row["role"])))
    conn.execute(
        sql.SQL("select {} from {} limit 1").format(
            sql.Identifier(row["column"]), sql.Identifier(row["schema"], row["table"])
        )
    ).fetchall()


def _conditions(table: str) -> str:
    """The statement that shows what the policies ask."""
    return (
        sql.SQL("select policyname, qual from pg_policies where tablename = {};")
        .format(sql.Literal(table))
        .as_string(None)
    )
