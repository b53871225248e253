"""Many sessions at once on Amethyst V2: purchases that Stripe announces several times, spending, refunds,
adverts around midnights, retries, clients that die before they commit or never hear that they did."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import errors

from support.amethyst import Connection, acting, connect, row, rows, sign_up

PARIS = ZoneInfo("Europe/Paris")
NIGHTS = (  # local midnights: into and out of the days of 23 and of 25 hours, and one like any other
    datetime(2026, 3, 29, tzinfo=PARIS),
    datetime(2026, 3, 30, tzinfo=PARIS),
    datetime(2026, 10, 25, tzinfo=PARIS),
    datetime(2026, 10, 26, tzinfo=PARIS),
    datetime(2026, 6, 2, tzinfo=PARIS),
)
LIMITS = (10, 10, 10, 3, 0)  # of the users, in turn
LEDGER = """(select id, user_id, amount, kind, idempotency_key from credit_transactions
             union all
             select id, user_id, amount, kind, idempotency_key from credit_transactions_archive)"""
UNEQUAL = f"""
select p.id, p.credits_balance, coalesce(l.total, 0) as ledger
from profiles p
left join (select t.user_id, sum(t.amount) as total from {LEDGER} t group by t.user_id) l
  on l.user_id = p.id
where p.credits_balance <> coalesce(l.total, 0) or p.credits_balance < 0
"""
ARCHIVE = """
with old as (select id from credit_transactions order by random() limit 5 for update skip locked),
     gone as (delete from credit_transactions t using old where t.id = old.id returning t.*)
insert into credit_transactions_archive select g.*, now() from gone g
"""


@dataclass(frozen=True)
class Call:
    """One thing that somebody wants done; it may be sent several times."""

    kind: str  # purchase, spend, refund, view
    user: uuid.UUID
    key: str
    amount: int = 0  # credits
    seconds: int = 0
    completed: bool = False
    instant: datetime | None = None


@dataclass
class Facts:
    """What the clients were told, and what an observer saw meanwhile."""

    users: list[uuid.UUID]
    calls: list[Call]
    limits: dict[uuid.UUID, int] = field(default_factory=dict)
    said: dict[str, set[tuple[str, int]]] = field(default_factory=lambda: defaultdict(set))
    added: Counter[str] = field(default_factory=Counter)  # by key: answers that it was done now
    refused: Counter[str] = field(default_factory=Counter)
    looks: int = 0
    archived: int = 0
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def prepare(dsn: str, seed: int, users: int = 10, calls: int = 900) -> Facts:
    """Signs users up and thinks out what will be wanted of V2."""
    chance = random.Random(seed)
    with connect(dsn) as conn:
        people = [sign_up(conn) for _ in range(users)]
        limits = {who: LIMITS[n % len(LIMITS)] for n, who in enumerate(people)}
        for who, limit in limits.items():
            conn.execute("update profiles set daily_ads_limit = %s where id = %s", (limit, who))
    wanted = []
    for n in range(calls):
        who = chance.choice(people)
        kind = chance.choices(("purchase", "spend", "view"), (25, 30, 45))[0]
        if kind == "view":
            midnight = chance.choice(NIGHTS).astimezone(ZoneInfo("UTC"))
            away = chance.choice((0.0, 0.000001, 1.0, 3600.0, 7199.0, 10800.0, 40000.0))
            instant = midnight + chance.choice((-1, 1)) * timedelta(seconds=away)
            seconds = chance.choice((5, 14, 15, 29, 30, 60))
            done = chance.random() < 0.7
            wanted.append(Call(kind, who, f"view-{n}", 0, seconds, done, instant))
        else:
            amount = chance.randint(1, 40)
            wanted.append(Call(kind, who, f"{kind}-{n}", amount))
    return Facts(people, wanted, limits)


def run(dsn: str, facts: Facts, seed: int, sessions: int = 50, *, archiving: bool = False) -> None:
    """Sends everything, each call one to four times, from so many sessions at once. `archiving`:
    somebody moves rows of the ledger to its archive meanwhile, however young they are."""
    chance = random.Random(seed)
    sent = [call for call in facts.calls for _ in range(chance.randint(1, 4))]
    chance.shuffle(sent)
    begin, over = threading.Barrier(sessions + 1), threading.Event()
    clients = [
        threading.Thread(target=_client, args=(dsn, facts, sent[n::sessions], seed + n, begin))
        for n in range(sessions)
    ]
    others = [threading.Thread(target=_observe, args=(dsn, facts, over))]
    if archiving:
        others.append(threading.Thread(target=_archive, args=(dsn, facts, over)))
    for thread in (*clients, *others):
        thread.start()
    begin.wait(60)
    for thread in clients:
        thread.join()
    over.set()
    for thread in others:
        thread.join()


def _observe(dsn: str, facts: Facts, over: threading.Event) -> None:
    """Every committed state that is looked at must be right, not only the last."""
    with connect(dsn) as conn:
        while not over.is_set():
            facts.wrong += [f"seen meanwhile: {found}" for found in rows(conn, UNEQUAL)]
            facts.looks += 1


def _archive(dsn: str, facts: Facts, over: threading.Event) -> None:
    with connect(dsn) as conn:
        while not over.is_set():
            try:
                facts.archived += conn.execute(ARCHIVE).rowcount
            except errors.Error as error:
                facts.wrong.append(f"archiving: {error}")


def _client(dsn: str, facts: Facts, calls: list[Call], seed: int, begin: threading.Barrier) -> None:
    chance = random.Random(seed)
    with connect(dsn) as conn:
        begin.wait(60)
        try:
            for call in calls:
                _send(conn, facts, call, chance)
        except Exception as error:  # noqa: BLE001 - the test reads it, of whatever kind it is
            with facts.lock:
                facts.wrong.append(f"{type(error).__name__}: {error}")


class Died(Exception):
    """The client is gone before its COMMIT."""


def _send(conn: Connection, facts: Facts, call: Call, chance: random.Random) -> None:
    """Sends a call until somebody heard the answer."""
    while True:
        dies, deaf = chance.random() < 0.05, chance.random() < 0.05
        other = call.kind == "purchase" and chance.random() < 0.05  # an event with another amount
        amount = call.amount + (1 if other else 0)
        try:
            with conn.transaction():
                answers = _call(conn, call, amount, chance)
                if dies:
                    raise Died
        except Died:
            continue
        except errors.SerializationFailure:  # the row of this key was on its way to the archive
            facts.refused["again"] += 1
            continue
        except (errors.CheckViolation, errors.UniqueViolation) as error:
            with facts.lock:
                facts.refused[type(error).__name__] += 1
            return
        with facts.lock:
            for key, change, repeated in answers:
                facts.said[key].add((str(call.user), change))
                facts.added[key] += not repeated
        if not deaf:
            return


def _call(
    conn: Connection, call: Call, amount: int, chance: random.Random
) -> list[tuple[str, int, bool]]:
    """Each movement that was told: its key, what it changes, and whether it had been there."""
    if call.kind == "purchase":
        text = "select * from add_credits(%s, %s, 'stripe', 'credits', %s)"
        with acting(conn, "service_role"):
            told = row(conn, text, call.user, amount, call.key)
        return [(call.key, amount, told["repeated"])]
    if call.kind == "spend":
        with acting(conn, "authenticated", call.user):
            text = "select * from spend_credits(%s, 'an image', %s)"
            spent = row(conn, text, amount, call.key)
        answers = [(call.key, -amount, spent["repeated"])]
        if (
            int(call.key.split("-")[1]) % 3 == 0 and chance.random() < 0.5
        ):  # it failed: give it back
            with acting(conn, "service_role"):
                text = "select * from refund_credits(%s, 'it failed')"
                told = row(conn, text, spent["transaction_id"])
            answers.append((f"refund of {call.key}", amount, told["repeated"]))
        return answers
    late = call.instant + timedelta(seconds=chance.choice((0, 0, 2)))  # a retry comes later
    text = "select * from record_ad_view(%s, 'advert', %s, %s, %s, 'mobile', %s)"
    told = row(conn, text, call.user, call.seconds, call.completed, call.key, late)
    return [(call.key, told["credits_earned"], told["repeated"])]


def judge(dsn: str, facts: Facts) -> list[str]:
    """What is wrong at the end, told from the clients' own notes and Python's own calendar."""
    wrong = list(facts.wrong)
    with connect(dsn) as conn:
        wrong += [f"at the end: {found}" for found in rows(conn, UNEQUAL)]
        ledger = rows(conn, f"select t.* from {LEDGER} t where t.user_id = any(%s)", facts.users)
        views = rows(conn, "select * from ad_views where user_id = any(%s)", facts.users)
    wrong += [f"{key} was done {n} times" for key, n in facts.added.items() if n > 1]
    wrong += [f"{key} was told as {told}" for key, told in facts.said.items() if len(told) > 1]
    written: Counter[str] = Counter()
    promised: Counter[str] = Counter()
    for movement in ledger:
        written[str(movement["user_id"])] += movement["amount"]
    for told in facts.said.values():
        for who, change in told:
            promised[who] += change
    for who in map(str, facts.users):
        if written[who] != promised[who]:
            wrong.append(f"{who} was told {promised[who]} credits and has {written[who]}")
    return wrong + _judge_views(facts, ledger, views)


def _judge_views(
    facts: Facts, ledger: list[dict[str, Any]], views: list[dict[str, Any]]
) -> list[str]:
    wrong = []
    kept = Counter((view["user_id"], view["client_view_id"]) for view in views)
    wrong += [f"view {key} was kept {n} times" for key, n in kept.items() if n > 1]
    wanted = {call.key for call in facts.calls if call.kind == "view"}
    if {view["client_view_id"] for view in views} != wanted:
        wrong.append("views were lost")
    days: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for view in views:
        days[view["user_id"], view["viewed_at"].astimezone(PARIS).date()].append(view)
    for (who, day), seen in days.items():
        rewarded = sum(view["credits_earned"] > 0 for view in seen)
        able = sum(view["duration_seconds"] >= 15 for view in seen)
        if rewarded != min(able, facts.limits[who]):
            wrong.append(f"{who} has {rewarded} rewarded views of {able} on {day}")
    for who in facts.users:
        paid = sum(m["amount"] for m in ledger if m["user_id"] == who and m["kind"] == "ad_reward")
        earned = sum(view["credits_earned"] for view in views if view["user_id"] == who)
        if paid != earned:
            wrong.append(f"{who} earned {earned} with adverts and was paid {paid}")
    return wrong
