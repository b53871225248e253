"""What a stage needs and a role does not have is said before the first change."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from repot.embedded import EmbeddedServer
from repot.model.finding import Severity
from repot.model.names import Name, name
from repot.postgres import capabilities
from repot.postgres.capabilities import Stage, facts, missing
from repot.postgres.connect import connection
from support.sql import run

PACKS = name("Shop é", 'Pa"cks')
USERS = name("auth é", "users")


@dataclass
class Place:
    """A database of `boss`, seen by `role`, who may do nothing in it yet."""

    admin: str
    mine: str
    role: str
    boss: str

    def grant(self, statement: str) -> None:
        """Run a statement as the superuser; {role}, {boss} and {db} stand for the names."""
        with psycopg.connect(self.admin, autocommit=True) as conn:
            words = {"role": self.role, "boss": self.boss, "db": conn.info.dbname}
            text = sql.SQL(statement).format(**{k: sql.Identifier(v) for k, v in words.items()})  # type: ignore[arg-type]
            conn.execute(text)

    def codes(
        self,
        stage: Stage,
        *,
        tables: tuple[Name, ...] = (PACKS,),
        outside: tuple[Name, ...] = (USERS,),
        swap: str = "tables",
        errors_only: bool = True,
    ) -> list[str]:
        with connection(self.mine) as conn:
            found = missing(conn, tables, outside, stage, swap=swap)
        assert all(f.hint for f in found), "every finding has its remedy"
        return [f.code for f in found if f.severity is Severity.ERROR or not errors_only]


@pytest.fixture
def roles(server: EmbeddedServer) -> Iterator[tuple[str, str]]:
    both = f'ro"lé {secrets.token_hex(4)}', f"boss {secrets.token_hex(4)}"
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        for role in both:
            conn.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
        yield both
        for role in both:
            conn.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


@pytest.fixture
def place(roles: tuple[str, str], database: str) -> Place:
    """`roles` comes first: it is taken down after the database that holds what they own."""
    here = Place(database, make_conninfo(database, user=roles[0]), *roles)
    here.grant("revoke all on database {db} from public")
    here.grant("grant connect on database {db} to {role}")
    run(
        database,
        'create schema "Shop é"; create schema "auth é";'
        'create table "Shop é"."Pa""cks" (id int primary key);'
        'create table "auth é".users (id int primary key)',
    )
    here.grant('alter schema "Shop é" owner to {boss}')
    here.grant('alter table "Shop é"."Pa""cks" owner to {boss}')
    return here


def test_a_superuser_lacks_nothing(place: Place) -> None:
    with connection(place.admin) as conn:
        stages: list[Stage] = ["audit", "backup", "plan", "copy", "verify", "cutover", "rollback"]
        for stage in stages:
            assert missing(conn, [PACKS], [USERS], stage) == []
            assert missing(conn, [PACKS], [USERS], stage, swap="schema") == []
        known = facts(conn)
        assert known.superuser
        assert known.event_triggers
        assert known.server_version >= 140000
        assert known.wal_level == "logical"
        assert known.database == conninfo_to_dict(place.admin)["dbname"]


def test_reading(place: Place) -> None:
    assert place.codes("audit") == ["right-read", "right-read"]
    place.grant('grant usage on schema "Shop é", "auth é" to {role}')
    assert place.codes("audit") == ["right-read", "right-read"]
    place.grant('grant select on "Shop é"."Pa""cks", "auth é".users to {role}')
    assert place.codes("audit") == []
    assert place.codes("backup", tables=(PACKS, name("Shop é", "packs"))) == ["table-missing"]


def test_the_hint_works_as_it_stands(place: Place) -> None:
    with connection(place.mine) as conn:
        found = missing(conn, [PACKS], [USERS], "copy")
    for finding in found:
        statements = finding.hint.partition(": ")[2]
        if statements.startswith("GRANT"):
            with psycopg.connect(place.admin, autocommit=True) as conn:
                conn.execute(statements.encode())
    assert place.codes("copy") == []
    with connection(place.mine) as conn:  # and what was promised can be done
        conn.execute("create schema repot_try")
        conn.execute(
            "create function repot_try.f() returns trigger language plpgsql as 'begin end'"
        )
        for table in (PACKS, USERS):
            conn.execute(
                sql.SQL(
                    "create trigger t after insert on {} execute function repot_try.f()"
                ).format(sql.Identifier(table.schema_, table.name))
            )


def test_copy_needs_triggers_and_a_schema(place: Place) -> None:
    place.grant('grant usage on schema "Shop é", "auth é" to {role}')
    place.grant('grant select on "Shop é"."Pa""cks", "auth é".users to {role}')
    assert place.codes("plan") == ["right-create-schema"]
    assert place.codes("copy") == ["right-create-schema", "right-trigger", "right-trigger"]
    place.grant('grant trigger on "Shop é"."Pa""cks", "auth é".users to {role}')
    place.grant("grant create on database {db} to {role}")
    assert place.codes("copy") == []
    assert place.codes("copy", errors_only=False) == ["server-event-trigger"]
    place.grant("create schema repot_view authorization {boss}")
    assert place.codes("copy") == ["right-state-schema"]


def test_rows_that_a_policy_hides(place: Place) -> None:
    place.grant('grant usage on schema "Shop é", "auth é" to {role}')
    place.grant('grant select on "Shop é"."Pa""cks", "auth é".users to {role}')
    place.grant('alter table "Shop é"."Pa""cks" enable row level security')
    assert place.codes("audit") == ["right-rls"]
    with connection(place.mine) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute('select from "Shop é"."Pa""cks"')  # what would have happened
    place.grant("alter role {role} bypassrls")
    assert place.codes("audit") == []
    place.grant("alter role {role} nobypassrls")
    place.grant("grant {boss} to {role}")
    assert place.codes("audit") == []
    place.grant('alter table "Shop é"."Pa""cks" force row level security')
    assert place.codes("audit") == ["right-rls"]


def test_the_swap_needs_owners(place: Place) -> None:
    place.grant('grant usage on schema "Shop é", "auth é" to {role}')
    place.grant('grant select, trigger on "Shop é"."Pa""cks", "auth é".users to {role}')
    place.grant("grant create on database {db} to {role}")
    assert place.codes("cutover") == ["right-owner", "right-schema-create"]
    assert place.codes("cutover", swap="schema") == ["right-owner", "right-schema-owner"]
    # a member that does not inherit is no owner: it would have to SET ROLE
    with connection(place.admin) as conn:
        told_at_grant = facts(conn).server_version >= 160000
    place.grant("alter role {role} noinherit")
    place.grant("grant {boss} to {role}" + (" with inherit false" if told_at_grant else ""))
    assert place.codes("cutover") == ["right-owner", "right-schema-create"]
    place.grant("alter role {role} inherit")
    place.grant("revoke {boss} from {role}")
    place.grant("grant {boss} to {role}")
    assert place.codes("cutover") == []
    assert place.codes("rollback", swap="schema") == []
    assert place.codes("cleanup") == []
    assert place.codes("cutover", errors_only=False) == ["right-outside-owner"]
    place.grant('create publication p for table "Shop é"."Pa""cks"')
    assert place.codes("cutover") == ["right-publication"]


def test_connections_and_client_version(place: Place) -> None:
    with connection(place.admin) as conn:
        many = missing(conn, [PACKS], [], "copy", connections=100_000)
        assert [(f.code, f.severity) for f in many] == [("server-connections", Severity.WARNING)]
        old = missing(conn, [PACKS], [], "backup", pg_dump=13)
        assert [(f.code, f.severity) for f in old] == [("pg-dump-version", Severity.ERROR)]
        assert missing(conn, [PACKS], [], "backup", pg_dump=99) == []


def test_a_standby_takes_no_writes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with connection(place.admin) as conn:
        standby = facts(conn).model_copy(update={"standby": True, "server_version": 130005})
        monkeypatch.setattr(capabilities, "facts", lambda _: standby)
        assert [f.code for f in missing(conn, [], [], "audit")] == ["server-version"]
        assert [f.code for f in missing(conn, [], [], "copy")] == [
            "server-version",
            "server-standby",
        ]
