"""Traps 8 and 9: what is bound to a table, by identity or by name, and its numbers."""

from __future__ import annotations

import psycopg
import pytest

from repot.engine.session import Session
from repot.engine.swap import sequences
from repot.engine.swap.preflight import preflight
from repot.engine.swap.switch import Switch
from repot.model.errors import Refused, RepotError
from repot.model.results import Verdict
from repot.stages.cutover import cutover
from repot.stages.rollback import rollback
from support.sql import connect, rows, run
from support.swapping import whole_backup
from traps.scene import FILES, V1, Scenes, module

# ---------------------------------------------------------------- 8


HANGING_ON_V1 = (
    V1
    + """
create table signed (id integer, note text);
create schema api;
create view api.names as select id, name from public.thing;
create function api.atomic() returns bigint language sql
  begin atomic select count(*) from public.thing; end;
create table api.note (thing_id integer references public.thing);
create table api.doc (thing_id integer);
alter table api.doc enable row level security;
create policy of_a_thing on api.doc
  using (exists (select from public.thing t where t.id = thing_id));
create function api.plain() returns bigint language plpgsql as
  $$ begin return (select count(*) from public.thing); end $$;
create function api.by_path() returns bigint language sql set search_path = public
  as 'select count(*) from thing';
do $$ begin
  if to_regrole('trap_reader') is null then create role trap_reader; end if;
end $$;
grant usage on schema api to trap_reader;
grant select on api.doc, public.thing to trap_reader;
"""
)
SIGNED = {
    "leave.toml": '[[table]]\nname = "signed"\nreason = "not needed any more"\n',
}
FILES_8 = FILES | SIGNED


def what_v2_writes_is_seen(session: Session, verdict: Verdict) -> dict[str, bool]:
    """After the cutover a thing is inserted; who sees it? Each function was called before."""
    with connect(session.dsn) as client:
        for function in ("plain", "by_path", "atomic"):
            client.execute(f"select api.{function}()".encode())  # a plan is kept
        cutover(session, verdict, whole_backup())
        client.execute("insert into public.thing (id, name) values (100, 'new')")
        client.execute("insert into api.doc values (100)")
        seen = {
            "view": client.execute("select from api.names where id = 100").rowcount == 1,
            "atomic": client.execute("select from api.atomic() n where n = 10").rowcount == 1,
            "plpgsql": client.execute("select from api.plain() n where n = 10").rowcount == 1,
            "by_path": client.execute("select from api.by_path() n where n = 10").rowcount == 1,
        }
        try:
            client.execute("insert into api.note values (100)")
            seen["foreign key"] = True
        except psycopg.errors.ForeignKeyViolation:
            seen["foreign key"] = False
        client.execute("set role trap_reader")
        seen["policy"] = client.execute("select from api.doc where thing_id = 100").rowcount == 1
    return seen


def test_trap_08_views_functions_foreign_keys_and_policies_lead_to_v2(scenes: Scenes) -> None:
    seen = what_v2_writes_is_seen(*scenes.proven(HANGING_ON_V1, FILES_8))
    assert seen == dict.fromkeys(seen, True)
    assert len(seen) == 6


BY_IDENTITY = {"view", "atomic", "foreign key", "policy"}


def test_trap_08_bites_without_its_protection(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is bound by identity is not made anew; what is bound by name follows by itself."""
    monkeypatch.setattr(Switch, "_make_anew", lambda *_, **__: [])
    session, verdict = scenes.proven(HANGING_ON_V1, FILES_8)
    with pytest.raises(RepotError) as refused:  # Repot looks once more before it commits
        what_v2_writes_is_seen(session, verdict)
    assert refused.value.code == "outside-still-on-v1"
    monkeypatch.setattr(Switch, "_assert_free", lambda _: None)
    taken_off = module("repot.engine.swap.outward_keys")
    monkeypatch.setattr(taken_off, "take_off", lambda *_: taken_off.Taken())
    seen = what_v2_writes_is_seen(session, verdict)
    assert {bound for bound, sees in seen.items() if not sees} == BY_IDENTITY


SIGN_UP = """
create schema auth; create table auth.users (id integer primary key);
create function auth.signed() returns trigger language plpgsql as
  $$ begin insert into public.signed values (new.id); return new; end $$;
create trigger signed after insert on auth.users for each row execute function auth.signed();
"""


def a_sign_up(session: Session, verdict: Verdict) -> None:
    """A trigger on a table that stays names, in its text, a table of V1 that V2 has not."""
    run(session.dsn, SIGN_UP)
    cutover(session, verdict, whole_backup())
    run(session.dsn, "insert into auth.users values (1)")


def test_trap_08_plpgsql_that_names_what_v2_has_not_stops_the_cutover(scenes: Scenes) -> None:
    session, verdict = scenes.proven(HANGING_ON_V1, FILES_8)
    with pytest.raises(Refused) as refused:
        a_sign_up(session, verdict)
    assert refused.value.code == "preflight"
    assert "outside-trigger-breaks" in refused.value.evidence


def test_trap_08_bites_plpgsql_when_nobody_reads_its_text(
    scenes: Scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module("repot.stages.cutover.stage"), "examine", lambda *_: [])
    session, verdict = scenes.proven(HANGING_ON_V1, FILES_8)
    with pytest.raises(psycopg.errors.UndefinedTable):
        a_sign_up(session, verdict)


def test_trap_08_prepared_select_star_is_told_of_beforehand(scenes: Scenes) -> None:
    """It cannot be prevented: the server itself refuses (`bites` and test in one)."""
    session, verdict = scenes.proven()
    with session.connect() as conn:
        told = [
            f for f in preflight(conn, session.plan, "tables") if f.code == "prepared-statements"
        ]
    assert [f.object for f in told] == ["cat, thing"]
    assert "0A000" in told[0].message
    with connect(session.dsn) as client:
        star, named = (
            "select * from thing where id = %s",
            "select id, name from thing where id = %s",
        )
        for query in (star, named):
            client.execute(query, (1,), prepare=True)
        cutover(session, verdict, whole_backup())
        assert client.execute(named, (1,), prepare=True).fetchall() == [(1, "thing 1")]
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="must not change result type"):
            client.execute(star, (1,), prepare=True)


# ---------------------------------------------------------------- 9


NUMBERED = (
    V1
    + """
create sequence free;
create table ticket (id integer primary key default nextval('free'), name text);
insert into ticket (name) select 'ticket ' || n from generate_series(1, 5) n;
"""
)
FILES_9 = FILES | {
    "target.sql": FILES["target.sql"]
    + "create sequence free_too;\n"
    + "create table ticket (id integer primary key default nextval('free_too'), name text);\n",
    "moves/ticket.sql": "select id, name from ticket",
    "back/ticket.sql": "select id, name from ticket",
}
NEXT = "insert into {} (name) values ('new') returning id"


def numbers(session: Session) -> dict[str, int]:
    """The number that the next row of each table gets: identities, sequences nobody owns."""
    return {t: rows(session.dsn, NEXT.format(f"public.{t}"))[0][0] for t in ("thing", "ticket")}


def given_out(session: Session) -> None:
    """Numbers that clients have taken and not inserted yet."""
    run(session.dsn, "select nextval('public.thing_id_seq'), nextval('public.free')")


def test_trap_09_numbers_go_on_on_v2(scenes: Scenes) -> None:
    session, verdict = scenes.proven(NUMBERED, FILES_9)
    given_out(session)
    cutover(session, verdict, whole_backup())
    after = numbers(session)
    assert after["thing"] > 10
    assert after["ticket"] > 6


def test_trap_09_numbers_go_on_on_v1_after_the_rollback(scenes: Scenes) -> None:
    session = scenes.cut_over(NUMBERED, FILES_9)
    there = numbers(session)
    rollback(session)
    back = numbers(session)
    assert all(back[table] > there[table] for table in there)


@pytest.mark.parametrize("way", ["there", "back"])
def test_trap_09_bites_without_its_protection(
    scenes: Scenes, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sequences stay where they are. (V2 begins some numbers further on: clients may hold them.)"""
    if way == "there":
        session, verdict = scenes.proven(NUMBERED, FILES_9)
    else:
        session = scenes.cut_over(NUMBERED, FILES_9)
        numbers(session)
    monkeypatch.setattr(sequences, "set_beyond", lambda *_: {})
    if way == "there":
        cutover(session, verdict, whole_backup())
    else:
        rollback(session)
    for table in ("thing", "ticket"):
        many = f"insert into public.{table} (name) select 'new' from generate_series(1, 500)"
        with pytest.raises(psycopg.errors.UniqueViolation):
            run(session.dsn, many)
