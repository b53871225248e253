"""What the examined folder adds: declared troubles, checks, migrations; secrets stay hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.amethyst import FOLDER
from support.doctoring import Doctor, found
from support.project import repot
from support.sql import run

ONE = "(select min(id::text)::uuid from profiles)"
SILENT = "set session_replication_role = replica; "  # as a load that fires no trigger

# code: what plants it in Amethyst's V2
AMETHYST = {
    "profile-missing": f"{SILENT} insert into auth.users (id, email, email_confirmed_at) "
    "values (gen_random_uuid(), 'late@example.com', now())",
    "profile-email-differs": f"{SILENT} update profiles set email = 'other@example.com' where id = {ONE}",
    "banned-by-email-only": "insert into bans (email) values ('user1@example.com')",
    "balance-not-ledger": f"{SILENT} update profiles set credits_balance = 11 where id = {ONE}",
    "balance-negative": f"{SILENT} alter table profiles drop constraint profiles_credits_balance_check; "
    "update profiles set credits_balance = -1 where email = 'user2@example.com'",
    "event-booked-twice": "alter table credit_transactions drop constraint credit_transactions_idempotency_key_key; "
    f"{SILENT} insert into credit_transactions (user_id, amount, kind, idempotency_key) "
    "select user_id, amount, kind, idempotency_key from credit_transactions limit 1",
    "purchase-booked-twice": f"{SILENT} insert into credit_transactions (user_id, amount, kind, metadata) "
    f"select {ONE}, 50, 'purchase', '{{\"payment_intent\": \"pi_1\"}}' from generate_series(1, 2)",
    "adverts-over-limit": f"{SILENT} insert into ad_views (user_id, ad_id, credits_earned, completed) "
    f"select {ONE}, 'ad', 1, true from generate_series(1, 11)",
}


def amethyst(dsn: str) -> tuple[int, dict[str, dict[str, object]]]:
    code, document = repot("doctor", "--project", FOLDER, "--schema", "public", dsn=dsn)
    return code, found(document)


def test_amethyst_is_well(v2: str) -> None:
    code, troubles = amethyst(v2)
    assert (code, troubles) == (0, {})


def test_each_trouble_of_amethyst_is_found(v2: str) -> None:
    for planted in AMETHYST.values():
        run(v2, planted)
    code, troubles = amethyst(v2)
    assert set(AMETHYST) <= set(troubles)
    for known in AMETHYST:
        assert troubles[known]["count"]
        assert troubles[known]["hint"]
        assert troubles[known]["next"]
    assert "@" not in str([troubles[known]["examples"] for known in AMETHYST])
    assert code == 1


def test_support_mends_what_was_found(v2: str) -> None:
    for code in ("profile-missing", "balance-not-ledger"):
        run(v2, AMETHYST[code])
    before = amethyst(v2)[1]
    assert {"profile-missing", "balance-not-ledger"} == set(before)
    run(v2, str(before["profile-missing"]["next"]))
    run(v2, "select mend_balance(id) from profiles")
    assert amethyst(v2) == (0, {})


def test_checks_are_looked_at_too(v2: str) -> None:
    run(
        v2,
        "create function other() returns trigger language plpgsql as 'begin return new; end'; "
        "create or replace trigger on_auth_user_created after insert on auth.users "
        "for each row execute function other()",
    )
    code, troubles = amethyst(v2)
    assert "it calls public.other, not public.handle_new_user" in str(
        troubles["check-failed"]["message"]
    )
    assert troubles["check-failed"]["next"] == "repot check"
    assert code == 1


TROUBLE = """
schema = "public"
[[trouble]]
code = "planted"
area = "shop"
severity = "{severity}"
title = "rows that are wrong"
evidence = '''{evidence}'''
remedy = "mend them"
next = "update …"
"""


def test_a_declared_trouble_without_its_secrets(database: str, doctor: Doctor) -> None:
    evidence = (
        "select g as id, 'u' || g || '@example.com' as email, 'x' as api_key, 'to a@b.fr' as note, "
        "'eyJhbGciOi.eyJzdWIi.c2ln' as raw, null as nothing, '50%' as share from generate_series(1, 12) g"
    )
    code, document = doctor(database, toml=TROUBLE.format(severity="warning", evidence=evidence))
    (trouble,) = document["troubles"]
    assert (trouble["code"], trouble["area"], trouble["count"]) == ("planted", "shop", 12)
    assert trouble["examples"][0] == (
        "id 1, email ***, api_key ***, note to ***, raw ***, nothing null, share 50%"
    )
    assert len(trouble["examples"]) == 3
    assert code == 0


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        ("select * from nowhere", "does not exist (42P01)"),
        ("selct 1", "syntax error"),
        ("select 1; select 2", "it must be exactly one SELECT"),
        ("delete from pg_class", "it must be exactly one SELECT"),
    ],
)
def test_what_cannot_be_looked_for_is_an_error(
    database: str, doctor: Doctor, evidence: str, why: str
) -> None:
    code, document = doctor(database, toml=TROUBLE.format(severity="info", evidence=evidence))
    assert why in found(document)["doctor-question-fails"]["message"]
    assert code == 1


def test_the_file_is_read_as_a_whole(database: str, doctor: Doctor) -> None:
    toml = (
        TROUBLE.format(severity="loud", evidence="select 1") + "[limits]\nidle_s = -1\nmore = 2\n"
    )
    code, document = doctor(database, toml=toml.replace('title = "rows that are wrong"', ""))
    assert (code, document["error"]["code"]) == (2, "doctor-invalid")
    for part in ("trouble.1.severity", "trouble.1.title", "limits.idle_s", "limits.more"):
        assert part in document["error"]["evidence"]
    code, document = doctor(
        database, toml=TROUBLE.format(severity="info", evidence="select 1").replace("schema", "# ")
    )
    assert (code, document["error"]["code"]) == (2, "doctor-schema")


FAILS = "create table one (id int);\ninsert into nowhere values (1);\n"


def migrations(folder: Path) -> Path:
    place = folder / "prisma" / "migrations" / "20250101000000_one"
    place.mkdir(parents=True)
    (place / "migration.sql").write_text(FAILS)
    return folder


def test_a_migration_that_failed_half_way(database: str, tmp_path: Path, doctor: Doctor) -> None:
    folder = migrations(tmp_path / "shop")
    assert repot("migrate", "deploy", folder / "prisma/migrations", dsn=database)[0] == 1
    for words, code in (
        ((), "migration-unfinished"),
        (("--migrations", folder / "prisma/migrations"), "migration-failed"),
    ):
        left, document = doctor(database, *words)
        trouble = found(document)[code]
        assert 'relation "nowhere" does not exist' in trouble["message"]
        assert trouble["next"]
        assert left == 1
    # The folder itself is enough where the migrations are in their usual place.
    left, document = repot("doctor", "--project", folder, dsn=database)
    assert (left, "migration-failed" in found(document)) == (1, True)


def test_the_notes_of_a_migration_that_stopped(
    database: str, tmp_path: Path, doctor: Doctor
) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "001_one.sql").write_text(FAILS)
    assert repot("migrate", "deploy", folder, dsn=database)[0] == 1
    left, document = doctor(database)
    assert "failed after" in found(document)["migration-failed-half-way"]["message"]
    assert left == 1
    (folder / "001_one.sql").write_text("select 1;")
    repot("migrate", "resolve", folder, "--rolled-back", "001_one", dsn=database)
    assert repot("migrate", "deploy", folder, dsn=database)[0] == 0
    assert doctor(database)[1]["troubles"] == []
