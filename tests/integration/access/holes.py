"""Holes in the clean project, and who finds each: the matrix (it is tried) or the audit (it is read
in the catalog), or both."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hole:
    """`matrix`: findings as "code object word…"; each word is in the message. `audit`: codes, each
    with the object that it must name."""

    name: str
    plant: str
    matrix: tuple[str, ...] = ()
    audit: tuple[str, ...] = ()


HOLES = (
    Hole(
        "row security off",
        "alter table ledger disable row level security",
        ("access-more ledger user see others'",),
        ("rls-not-enabled public.ledger", "rls-off-open public.ledger"),
    ),
    Hole(
        "a new table without row security",
        "create table drafts (id int primary key, user_id uuid); grant all on drafts to anon",
        ("access-undeclared drafts",),
        ("rls-off-open public.drafts", "grant-truncate public.drafts"),
    ),
    Hole(
        "using (true) for everything",
        "create policy everybody on notes for all using (true)",
        (
            "access-more notes user see other",
            "access-more notes user change others'",
            "access-more notes user delete others'",
            "access-more notes user add another's",
            "access-more notes anon see other",
        ),
        ("policy-everybody public.notes",),
    ),
    Hole(
        "everybody who is signed in may delete",
        "create policy signed_in on notes for delete using (auth.uid() is not null)",
        ("access-more notes user delete others'",),
        ("policy-everybody public.notes",),
    ),
    Hole(
        "insert with check (true)",
        "alter policy own_add on notes with check (true)",
        ("access-more notes user add another's",),
        ("policy-check-open public.notes",),
    ),
    Hole(
        "update with check (true)",
        "alter policy own_change on notes with check (true)",
        ("access-more notes user change giving",),
        ("policy-check-wider public.notes",),
    ),
    Hole(
        "an update policy wider than what is seen",
        # with a WHERE nobody reaches more, as SELECT's policies hold then; without one, everything
        "drop policy own_change on notes; create policy own_change on notes for update"
        " using (true) with check (true)",
        ("access-more notes user change WHERE",),
        ("policy-everybody public.notes",),
    ),
    Hole(
        "recursion",
        "create policy again on people for select to authenticated"
        " using (exists (select from people p where p.id = auth.uid() and p.role = 'admin'))",
        ("access-error people user see recursion", "access-error people admin change recursion"),
        ("rls-recursion public.people",),
    ),
    Hole(
        "recursion over a function",
        "create function leader() returns boolean language sql stable as"
        " 'select exists (select from public.people where role = ''admin'' and id = auth.uid())';"
        "grant execute on function leader() to authenticated, service_role;"
        "create policy leaders on people for select to authenticated using (leader())",
        ("access-error people user see stack", "access-function leader() user"),
        ("rls-recursion public.people",),
    ),
    Hole(
        "definer function without search_path",
        "alter function is_admin() reset search_path",
        (),
        ("definer-search-path public.is_admin()",),
    ),
    Hole(
        "definer function that anybody may call",
        "create function everybody_s_mail() returns setof text language sql security definer"
        " set search_path = '' as 'select email from public.people';"
        "grant execute on function everybody_s_mail() to public",
        (
            "access-function everybody_s_mail() anon owner",
            "access-function everybody_s_mail() user owner",
        ),
        ("definer-open public.everybody_s_mail()",),
    ),
    Hole(
        "definer function that gives to whom its caller says",
        "create or replace function give_credits(to_whom uuid, how_many int) returns void"
        " language sql security definer set search_path = '' as"
        " 'insert into public.ledger (user_id, amount) values (to_whom, how_many)'",
        (),
        ("definer-open public.give_credits(to_whom uuid, how_many integer)",),
    ),
    Hole(
        "a view that bypasses",
        "create view everyone as select id, email from people; grant select on everyone to anon",
        ("access-undeclared everyone",),
        ("view-bypasses-rls public.everyone",),
    ),
    Hole(
        "a view that loses security_invoker",
        "alter view public_notes set (security_invoker = false);"
        "grant update, delete on public_notes to authenticated",
        (
            "access-more public_notes user change",
            "access-more public_notes user delete",
        ),
        ("view-bypasses-rls public.public_notes",),
    ),
    Hole(
        "a materialised view for everybody",
        "grant select on note_counts to anon",
        ("access-more note_counts anon see",),
        ("matview-open public.note_counts",),
    ),
    Hole(
        "grant to anon",
        "grant select, insert on audit_trail to anon;"
        "create policy anybody on audit_trail for all to anon using (true)",
        ("access-more audit_trail anon see", "access-more audit_trail anon add"),
        ("policy-everybody public.audit_trail", "grant-anon-writes public.audit_trail"),
    ),
    Hole(
        "grant to PUBLIC",
        "grant select on ledger to public; alter policy own on ledger to public using (amount > 0)",
        ("access-more ledger anon see", "access-more ledger user see others'"),
        ("grant-public public.ledger",),
    ),
    Hole(
        "TRUNCATE",
        "grant truncate on ledger to authenticated",
        ("access-more ledger user empty",),
        ("grant-truncate public.ledger",),
    ),
    Hole(
        "TRIGGER and REFERENCES",
        "grant trigger, references on ledger to authenticated",
        (),
        ("grant-trigger public.ledger",),
    ),
    Hole(
        "a column too many",
        "grant update on people to authenticated",
        (
            "access-more people user change role",
            "access-more people user change credits",
        ),
        (),
    ),
    Hole(
        "the table belongs to an API role",
        "grant create on schema public to authenticated; alter table notes owner to authenticated;"
        "revoke create on schema public from authenticated",
        ("access-more notes user see other", "access-more notes user delete others'"),
        ("rls-owner-api public.notes",),
    ),
    Hole(
        "the user's own metadata",
        "create policy boss on ledger for select to authenticated"
        " using ((auth.jwt() -> 'user_metadata' ->> 'role') = 'admin')",
        (),
        ("policy-user-metadata public.ledger",),
    ),
    Hole(
        "the user's own metadata, through a function",
        "create function boss() returns boolean language sql stable set search_path = '' as"
        " $$ select auth.jwt() -> 'user_metadata' ->> 'role' = 'admin' $$;"
        "create policy boss on ledger for select to authenticated using (boss())",
        ("access-error ledger user see boss",),
        ("policy-user-metadata public.ledger", "policy-no-execute public.ledger"),
    ),
    Hole(
        "a grant that is missing",
        "revoke select on ledger from authenticated",
        ("access-less ledger user see grant", "access-less ledger admin see grant"),
        ("policy-no-grant public.ledger",),
    ),
    Hole(
        "a policy whose function may not be called",
        "revoke execute on function is_admin() from authenticated",
        ("access-error people user see is_admin", "access-function is_admin user"),
        ("policy-no-execute public.people",),
    ),
    Hole(
        "row security without a policy",
        "drop policy own on labels",
        ("access-less labels user see policy", "access-less labels user add policy"),
        ("rls-no-policy public.labels",),
    ),
    Hole(
        "a partition that is granted by itself",
        "create table events (id int, user_id uuid, day date) partition by range (day);"
        "create table events_2024 partition of events for values from ('2024-01-01') to"
        " ('2025-01-01'); alter table events enable row level security;"
        "create policy own on events for select to authenticated using (user_id = auth.uid());"
        "grant select on events, events_2024 to authenticated;"
        "insert into events select 1, id, '2024-05-05' from people",
        ("access-undeclared events",),
        ("partition-open public.events_2024",),
    ),
    Hole(
        "anybody may create objects",
        "grant create on schema public to anon",
        (),
        ("schema-create-open public",),
    ),
    Hole(
        "a function that everybody may call",
        "create function plus(int, int) returns int language sql as 'select $1 + $2';"
        "grant execute on function plus(int, int) to public",
        ("access-function plus(integer, anon",),
        ("function-public public.plus(integer, integer)",),
    ),
    Hole(
        "a policy that fails",
        "create policy odd on labels for select to authenticated using (1 / (folder_id - folder_id)"
        " = 1)",
        ("access-error labels user see zero",),
        (),
    ),
)
