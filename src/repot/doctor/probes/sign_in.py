"""Why people cannot sign in: roles that are missing, accounts that are not let in."""

from __future__ import annotations

from collections.abc import Iterator

from repot.doctor.visit import Visit, error, info, warning
from repot.model.doctor import Trouble


def roles(visit: Visit) -> Iterator[Trouble]:
    """The roles that requests run as."""
    for row in visit.rows("sign_in_roles.sql"):
        role = row["role"]
        if not row["there"]:
            yield error(
                "role-missing",
                f"there is no role {role}: requests that run as it fail",
                hint="roles belong to the server, and a dump of one database does not hold them",
                next=f"CREATE ROLE {role} NOLOGIN NOINHERIT"
                + (" BYPASSRLS;" if role == "service_role" else ";"),
                object=role,
            )
        elif row["authenticator"] and not row["taken"]:
            yield error(
                "role-not-taken",
                f"authenticator may not take the role {role}: requests of such users fail",
                next=f"GRANT {role} TO authenticator;",
                hint="whoever restored the roles forgot their memberships",
                object=role,
            )


def accounts(visit: Visit) -> Iterator[Trouble]:
    """Accounts that are not let in."""
    there = visit.rows("has_auth.sql")[0]
    if not there["users"] or not there["email"]:
        return
    counts = visit.rows("accounts.sql")[0]
    if counts["unconfirmed"]:
        yield info(
            "accounts-unconfirmed",
            f"{counts['unconfirmed']:,} accounts have never confirmed their e-mail or phone: they "
            "cannot sign in, unless confirmation is switched off",
            hint="did the mails go out? The auth server's log and its SMTP settings say",
            next="select id, created_at from auth.users where email_confirmed_at is null "
            "order by created_at desc limit 10;",
            count=counts["unconfirmed"],
            examples=(f"id {counts['unconfirmed_example']}",),
        )
    if counts["banned"]:
        yield info(
            "accounts-banned",
            f"{counts['banned']:,} accounts are banned for now: they cannot sign in",
            hint="that is meant, as a rule",
            next="select id, banned_until from auth.users where banned_until > now();",
            count=counts["banned"],
            examples=(f"id {counts['banned_example']}",),
        )
    if counts["nameless"]:
        yield warning(
            "accounts-nameless",
            f"{counts['nameless']:,} accounts have neither e-mail nor phone: nobody can use them",
            hint="an import left them out, or they are rests of deleted accounts",
            next="select id, created_at from auth.users where email is null and phone is null;",
            count=counts["nameless"],
            examples=(f"id {counts['nameless_example']}",),
        )
    yield from _twins(visit)
    if there["identities"]:
        yield from _identities(visit)


def _twins(visit: Visit) -> Iterator[Trouble]:
    found = visit.rows("twins.sql")[0]
    if found["emails"]:
        yield error(
            "accounts-twins",
            f"{found['emails']:,} e-mails belong to {found['accounts']:,} accounts (but for case "
            "and blanks): who signs in gets one of them, or an error",
            hint="decide which stays, move its rows, delete the other through the auth server",
            next="select lower(trim(email)), array_agg(id) from auth.users group by 1 "
            "having count(*) > 1;",
            count=int(found["accounts"]),
            examples=tuple(f"id {one}" for one in found["ids"][:3]),
        )


def _identities(visit: Visit) -> Iterator[Trouble]:
    found = visit.rows("identities.sql")[0]
    if found["accounts"]:
        yield error(
            "accounts-without-identity",
            f"{found['accounts']:,} accounts have no row in auth.identities: they cannot sign in",
            hint="an import filled auth.users alone; each account needs an identity",
            next="select id from auth.users u where not exists "
            "(select from auth.identities i where i.user_id = u.id) limit 10;",
            count=found["accounts"],
            examples=(f"id {found['example']}",),
        )
