"""Amethyst's own tasks, run as they are declared, and its ledger archived while it is written."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from repot.embedded import EmbeddedServer
from repot.upkeep import service
from support.amethyst import FOLDER, connect, make_v2, sign_up
from support.caring import called, install
from support.sql import connect as plain
from support.sql import rows, run

LEDGER = {
    "table": "public.credit_transactions",
    "into": "public.credit_transactions_archive",
    "column": "created_at",
    "older_than": "1 year",
    "triggers": ["credit_transactions_whole"],
    "chunk": 20,
}
# 0 rows in any snapshot: no balance but the ledger's sum, no movement twice.
WRONG = """
select p.id, p.credits_balance, l.total
  from profiles p
  left join (select user_id, sum(amount) as total, count(*) <> count(distinct id) as twice
               from (select id, user_id, amount from credit_transactions
                     union all select id, user_id, amount from credit_transactions_archive) e
              group by user_id) l on l.user_id = p.id
 where p.credits_balance <> coalesce(l.total, 0) or l.twice
"""


@pytest.fixture
def amethyst(server: EmbeddedServer) -> Iterator[tuple[str, list[UUID]]]:
    """V2 with people whose movements and views reach back two years."""
    dsn = make_v2(server, "care_amethyst")
    with connect(dsn) as conn:
        people = [sign_up(conn) for _ in range(8)]
    run(
        dsn,
        "insert into credit_transactions (user_id, amount, kind, source, idempotency_key, created_at)"
        " select p.id, 1 + n % 9, 'purchase', 'stripe', 'old-' || p.id || n, now() - n * interval '7 days'"
        " from profiles p, generate_series(1, 100) n;"
        "insert into ad_views (user_id, ad_id, duration_seconds, completed, credits_earned, viewed_at, client_view_id)"
        " select p.id, 'a' || n, 30, true, 0, now() - n * interval '7 days', 'v' || n"
        " from profiles p, generate_series(1, 100) n;"
        "insert into generated_images (user_id, prompt, status, created_at)"
        " select p.id, 'x', s.s::generation_status, now() - s.age::interval from profiles p,"
        " (values ('pending', '2 hours'), ('processing', '1 minute'), ('failed', '1 year'), ('completed', '1 year')) s (s, age);"
        "insert into oauth_tokens (user_id, provider, access_token, expires_at)"
        " select id, 'google', 'secret', now() - interval '2 months' from profiles",
    )
    yield dsn, people
    server.drop_database("care_amethyst")


def test_every_task_runs(amethyst: tuple[str, list[UUID]], tmp_path: Path) -> None:
    dsn, people = amethyst
    # As declared, but for where the backups go.
    folder = tmp_path / "amethyst"
    folder.mkdir()
    (folder / "upkeep").symlink_to(FOLDER / "upkeep")
    (folder / "upkeep.toml").write_text((FOLDER / "upkeep.toml").read_text())
    upkeep = service.load(folder)
    assert len(upkeep.tasks) == 17
    entries = {}
    for task in upkeep.tasks:
        (entry,) = service.run(folder, dsn, task.name)
        assert entry.ok, (task.name, entry)
        entries[task.name] = entry
    assert entries["failed-generations"].figures["found"] == 8
    assert entries["expired-tokens"].figures["deleted"] == 8
    assert entries["failed-attempts"].figures["deleted"] == 8
    assert entries["ledger"].figures["profiles"] == 8
    archived = entries["archive-ledger"].figures["moved"]
    assert archived == 8 * 48
    assert entries["archive-adverts"].figures["moved"] == 8 * 48
    assert entries["backup"].figures["tables"] >= 16
    assert rows(dsn, WRONG) == []
    assert rows(dsn, "select count(*) from credit_transactions_archive") == [(archived,)]
    assert entries["performance"].figures["largest"]
    found = {t: [f.code for f in e.findings if f.severity != "info"] for t, e in entries.items()}
    assert {t for t, codes in found.items() if codes} <= {"failed-generations", "sessions"}, found
    assert "secret" not in json.dumps([e.model_dump(mode="json") for e in entries.values()])
    # Archived keys stay used up, and an account that goes takes its old rows with it.
    with connect(dsn) as conn:
        conn.execute(
            "select set_config('request.jwt.claims', '{\"role\": \"service_role\"}', false)"
        )
        row = conn.execute(
            "select repeated from add_credits(%s, 2, 'stripe', null, %s)",
            (people[0], f"old-{people[0]}100"),
        ).fetchone()
        assert row == {"repeated": True}
        conn.execute("delete from auth.users where id = %s", (people[0],))
    for table in ("credit_transactions_archive", "archive.ad_views"):
        assert rows(dsn, f"select count(*) from {table} where user_id = '{people[0]}'") == [(0,)]


def test_a_wrong_balance_and_too_many_adverts_fail_their_tasks(
    amethyst: tuple[str, list[UUID]],
) -> None:
    dsn, people = amethyst
    run(
        dsn,
        "alter table profiles disable trigger profiles_balance;"
        f"update profiles set credits_balance = credits_balance + 1 where id = '{people[1]}';"
        "alter table profiles enable trigger profiles_balance;"
        "insert into ad_views (user_id, ad_id, credits_earned, viewed_at, client_view_id)"
        f" select '{people[2]}', 'a', 2, (advert_day(now())).day_start - interval '1 hour', 'y' || n from generate_series(1, 11) n",
    )
    (ledger,) = service.run(FOLDER, dsn, "ledger")
    assert ledger.ok is False
    assert str(people[1]) in (ledger.error or "")
    (adverts,) = service.run(FOLDER, dsn, "advert-counters")
    assert adverts.ok is False
    assert f"{people[2]}: 11" in (adverts.error or "")


def test_no_balance_moves_while_the_ledger_is_archived(
    amethyst: tuple[str, list[UUID]],
) -> None:
    dsn, people = amethyst
    seed = random.randrange(1_000_000)
    over = threading.Event()
    errors: list[BaseException] = []
    wrong: list[Any] = []
    counts = {"writes": 0, "checks": 0, "kills": 0, "moved": 0}
    acknowledged = {(number, person): 0 for number in (1, 2) for person in people}

    def kept(work: Any, *words: Any) -> None:
        try:
            work(*words)
        except BaseException as failed:  # noqa: BLE001 - told by the test
            errors.append(failed)

    def write(number: int) -> None:
        chance = random.Random(seed + number)
        with connect(dsn) as conn:
            conn.execute(
                "select set_config('request.jwt.claims', '{\"role\": \"service_role\"}', false)"
            )
            while not over.is_set():
                person = chance.choice(people)
                amount = chance.choice([1, 2, 3, -1])
                # A new event, or an old one again, which may be on its way to the archive.
                old = chance.random() < 0.3
                week = chance.randint(53, 100)
                key = (
                    f"old-{person}{week}"
                    if old
                    else f"new-{number}-{counts['writes']}-{chance.random()}"
                )
                try:
                    row = conn.execute(
                        "select repeated from add_credits(%s, %s, %s, null, %s)",
                        (
                            person,
                            1 + week % 9 if old else amount,
                            "stripe" if old else "support",
                            key,
                        ),
                    ).fetchone()
                except psycopg.errors.SerializationFailure:  # "try again"
                    continue
                assert row is not None
                assert row["repeated"] is old
                if not old:
                    acknowledged[number, person] += amount
                counts["writes"] += 1

    def archive() -> None:
        while not over.is_set():
            try:
                with plain(dsn) as conn:
                    conn.execute("set application_name = 'archiver'")
                    while not over.is_set():
                        result = called(
                            conn,
                            "archive",
                            LEDGER
                            | {"older_than": f"{30 - min(29, counts['checks'] // 20)} weeks"},
                        )
                        assert result["ok"], result
            except psycopg.OperationalError:
                if over.is_set():
                    return

    def check() -> None:
        with plain(dsn) as conn, plain(dsn) as killer:
            while not over.is_set():
                wrong.extend(conn.execute(WRONG).fetchall())
                counts["checks"] += 1
                moved = killer.execute(
                    "select coalesce(sum(rows), 0)::int from repot_upkeep.archived"
                ).fetchone()
                assert moved is not None
                if moved[0] > counts["moved"] and counts["kills"] < 5:
                    counts["kills"] += killer.execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity"
                        " where application_name = 'archiver'"
                    ).rowcount
                counts["moved"] = moved[0]

    with plain(dsn) as conn:
        install(dsn)
        before = dict(conn.execute("select id, credits_balance from profiles").fetchall())
    threads = [
        threading.Thread(target=kept, args=words)
        for words in ((write, 1), (write, 2), (archive,), (check,))
    ]
    for thread in threads:
        thread.start()
    while not (errors or wrong) and not (
        counts["checks"] >= 100 and counts["writes"] >= 200 and counts["moved"] >= 200
    ):
        over.wait(0.02)
    over.set()
    for thread in threads:
        thread.join()
    assert (errors, wrong) == ([], []), f"seed {seed}"
    assert counts["kills"] >= 3
    after = dict(rows(dsn, "select id, credits_balance from profiles"))
    assert after == {p: before[p] + acknowledged[1, p] + acknowledged[2, p] for p in people}, (
        f"seed {seed}"
    )
