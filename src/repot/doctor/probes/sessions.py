"""Who is in the way: long and idle transactions, lock queues, prepared transactions, slots."""

from __future__ import annotations

from collections.abc import Iterator

from repot.doctor.visit import Row, Visit, age, error, info, unless, warning
from repot.model.doctor import Trouble


def visible(visit: Visit) -> Iterator[Trouble]:
    """Whether others' sessions can be seen at all."""
    hidden = visit.rows("visible.sql")[0]["hidden"]
    if hidden:
        yield info(
            "sessions-hidden",
            f"what {hidden} sessions do is hidden from this role: their transactions were not "
            "looked at",
            hint="GRANT pg_read_all_stats TO …; or examine as a superuser",
            count=hidden,
        )


def queues(visit: Visit) -> Iterator[Trouble]:
    """Sessions that wait for locks, told by who is at the head of the queue."""
    waiting = {row["pid"]: row for row in visit.rows("queues.sql")}
    open_ = {row["pid"]: row for row in visit.rows("transactions.sql")}
    heads: dict[int, list[Row]] = {}
    for row in waiting.values():
        for head in _heads(row, waiting):
            heads.setdefault(head, []).append(row)
    for head, behind in sorted(heads.items()):
        longest = max(row["waited"] or 0 for row in behind)
        if longest < visit.limits.waiting_s:
            continue
        who = _who(open_[head]) if head in open_ else f"pid {head}"
        what = sorted({str(row["object"]) for row in behind})
        if head == 0:
            who = "a prepared transaction"
        yield error(
            "lock-queue",
            f"{len(behind)} sessions wait for locks on {', '.join(what)}, for up to "
            f"{age(longest)}, behind {who}" + _holds(open_.get(head)),
            hint="end the transaction at the head of the queue, in its client or from here",
            next=_end(open_.get(head), head) if head else "select * from pg_prepared_xacts;",
            count=None,
            examples=tuple(f"pid {row['pid']} waits for {row['mode']}" for row in behind[:3]),
        )


def _heads(row: Row, waiting: dict[int, Row]) -> set[int]:
    """Who is in the way and waits for nobody."""
    seen: set[int] = set()
    todo, heads = [row["pid"]], set()
    while todo:
        pid = todo.pop()
        if pid in seen:
            continue
        seen.add(pid)
        if pid in waiting:
            todo += waiting[pid]["blockers"]
        else:
            heads.add(pid)
    return heads


def transactions(visit: Visit) -> Iterator[Trouble]:
    """Transactions that are open too long, or idle."""
    limits = visit.limits
    for row in visit.rows("transactions.sql"):
        idle = str(row["state"] or "").startswith("idle in transaction")
        late = row["state_s"] >= limits.idle_s if idle else row["open_s"] >= limits.transaction_s
        if not late or str(row["application"]).startswith("repot"):
            continue
        open_ = f"{_who(row)} has had a transaction open since {row['since']} UTC"
        open_ += f" ({age(row['open_s'])}){_holds(row)}"
        yield _open(row, open_, idle, bool(set(row["relations"]) & visit.waited_for))


def _open(row: Row, what: str, idle: bool, held: bool) -> Trouble:
    shown = {"next": _end(row, row["pid"]), "examples": tuple(row["locks"][:3])}
    if held:
        return error(
            "cutover-blocked",
            f"{what}: the cutover needs these tables, and waits for it in vain",
            hint="end it in its client or from here, then `repot cutover` again",
            **shown,
        )
    if idle:
        return warning(
            "transaction-idle",
            f"{what}: it holds back VACUUM and every ALTER TABLE",
            hint="end it in its client; idle_in_transaction_session_timeout ends such by itself",
            **shown,
        )
    return warning(
        "transaction-long",
        f"{what}: it holds back VACUUM and every ALTER TABLE",
        hint="let it end, or end it",
        **shown,
    )


def prepared(visit: Visit) -> Iterator[Trouble]:
    """Transactions that were prepared and neither committed nor rolled back."""
    for row in visit.rows("prepared.sql"):
        if row["open_s"] < visit.limits.prepared_s:
            continue
        gid = str(row["gid"]).replace("'", "''")
        yield error(
            "transaction-prepared",
            f"the transaction {row['gid']!r} of {row['role']} has been prepared for "
            f"{age(row['open_s'])} and not ended: its locks stay, across restarts, too",
            hint="ask whoever prepared it (a transaction manager) whether it was to be committed",
            next=f"ROLLBACK PREPARED '{gid}';  -- or COMMIT PREPARED '{gid}';",
            examples=tuple(row["locks"][:3]),
        )


def slots(visit: Visit) -> Iterator[Trouble]:
    """Replication slots that hold WAL back, or have lost it."""
    for row in visit.rows("slots.sql"):
        lost = row["status"] in ("lost", "unreserved")
        if not lost and row["mb"] < visit.limits.slot_mb:
            continue
        name = str(row["name"]).replace("'", "''")
        reader = "its reader is at work" if row["active"] else "nobody reads from it"
        if lost:
            what = f"the replication slot {row['name']} is {row['status']}: WAL it needs is going"
        else:
            what = f"the replication slot {row['name']} holds back {row['mb']:,.0f} MB of WAL"
        yield unless(
            lost or not row["active"],
            error(
                "slot-holds-wal",
                f"{what}; {reader}",
                hint="start its reader again; a slot that nobody needs is dropped",
                next="" if row["active"] else f"select pg_drop_replication_slot('{name}');",
                object=str(row["name"]),
            ),
        )


def _who(row: Row) -> str:
    name = f" of {row['application']!r}" if row["application"] else ""
    return f"pid {row['pid']}{name} ({row['role']}, {row['state']})"


def _holds(row: Row | None) -> str:
    if row is None or not row["locks"]:
        return ""
    more = len(row["locks"]) - 3
    return ", holding " + ", ".join(row["locks"][:3]) + (f" and {more} more" if more > 0 else "")


def _end(row: Row | None, pid: int) -> str:
    if row is not None and row["state"] == "active":
        return f"select pg_cancel_backend({pid});"
    return f"select pg_terminate_backend({pid});"
