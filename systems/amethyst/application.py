"""What the Amethyst application does, on V1 and on V2: for demonstrations and functional tests.

Tables are found by search_path (public): the same calls reach V1 before the cutover and V2 after
it; what only one of them can do says so. Each write is one transaction, so on a connection in
autocommit mode it is acknowledged when the function returns.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import psycopg

Connection = psycopg.Connection[Any]
Row = tuple[Any, ...]


def _statements() -> dict[str, str]:
    text = (Path(__file__).parent / "application.sql").read_text(encoding="utf-8")
    parts = text.split("-- name: ")[1:]
    named = (part.split("\n", 1) for part in parts)
    return {name.strip(): body.strip() for name, body in named}


_SQL = _statements()
# What write_on_v2 does; those that are there several times come that much more often.
_KINDS = (
    *("sign_up", "buy", "spend", "watch", "refund", "bonus", "below_zero", "edit", "ban", "unban"),
    *("generate", "favorite", "collect", "prompt", "delete_image", "erase"),
    *("buy", "spend", "spend", "watch", "watch"),
)
_MOVES_CREDITS = ("buy", "spend", "refund", "bonus", "watch")


@dataclass(frozen=True)
class Write:
    """A write that V2 acknowledged: `kind`, whom it is about, and what must be found later.

    Kinds: sign_up, buy, spend, watch, refund, bonus, edit, ban, unban, generate, favorite,
    collect, prompt, delete_image, erase.
    """

    kind: str
    user: uuid.UUID | None = None
    expect: dict[str, Any] = field(default_factory=dict)


# ------------------------------------------------------------------------------ single actions


def version(conn: Connection) -> int:
    """1 or 2: whose tables search_path finds."""
    return 2 if _one(conn, "is_v2")[0] else 1


def sign_up(conn: Connection, email: str | None, full_name: str = "Zoé") -> uuid.UUID:
    """A new account, as Supabase makes it. V2's trigger writes the profile; on V1 the client does,
    in a second transaction."""
    user = cast(uuid.UUID, _one(conn, "sign_up", email=email, full_name=full_name)[0])
    if version(conn) == 1:
        _do(conn, "v1_profile", user=user, email=email, full_name=full_name)
    return user


def account(conn: Connection, user: uuid.UUID) -> Row | None:
    """id, email, role, balance of who signs in; None where there is no profile."""
    return _maybe(conn, f"v{version(conn)}_account", user=user)


def buy(conn: Connection, user: uuid.UUID, amount: int, payment: str) -> tuple[uuid.UUID, int]:
    """Stripe's event that a payment came through; gives the movement's id and the balance.

    The same event again changes nothing on V2; V1 adds the credits once more.
    """
    given = {"user": user, "amount": amount, "payment": payment}
    return _movement(_one(conn, f"v{version(conn)}_buy", **given))


def spend(conn: Connection, user: uuid.UUID, amount: int) -> tuple[uuid.UUID, int] | None:
    """Pay for a generation; gives the movement's id and the balance, None where it is too low."""
    name = f"v{version(conn)}_spend"
    try:
        found = _as_user(conn, user, name, user=user, amount=amount)
    except psycopg.errors.CheckViolation:
        return None
    return _movement(found[0]) if found else None


def watch(
    conn: Connection,
    user: uuid.UUID,
    advert: str,
    seconds: int,
    view: str,
    platform: str = "unknown",
) -> tuple[int, int]:
    """An advert was watched; gives the credits earned and the balance. `view` is the client's own
    id of it: sent again, it counts once on V2."""
    given = {"user": user, "advert": advert, "seconds": seconds, "view": view}
    name = f"v{version(conn)}_watch"
    earned, balance = _as_user(conn, user, name, **given, platform=platform)[0]
    return int(earned), int(balance)


def refund(conn: Connection, spent: uuid.UUID) -> tuple[uuid.UUID, int]:
    """V2: give back what a generation cost; gives the movement's id and the balance."""
    return _movement(_one(conn, "v2_refund", spent=spent))


def bonus(conn: Connection, user: uuid.UUID, amount: int) -> tuple[uuid.UUID, int]:
    """V2: a present; gives the movement's id and the balance."""
    return _movement(_one(conn, "v2_bonus", user=user, amount=amount))


def edit(conn: Connection, user: uuid.UUID, full_name: str, language: str) -> None:
    """Change what a profile says of its owner."""
    _do(conn, f"v{version(conn)}_edit", user=user, full_name=full_name, language=language)


def ban(conn: Connection, email: str, reason: str, admin: uuid.UUID | None = None) -> None:
    """Let nobody sign up with the address; once more changes nothing."""
    _do(conn, f"v{version(conn)}_ban", email=email, reason=reason, admin=admin)


def unban(conn: Connection, email: str) -> None:
    """Lift a ban, however the address was typed."""
    _do(conn, f"v{version(conn)}_unban", email=email)


def generate(conn: Connection, user: uuid.UUID, prompt: str, hash_: str) -> uuid.UUID:
    """A finished image with its file; gives its id."""
    return cast(uuid.UUID, _one(conn, "generate", user=user, prompt=prompt, hash=hash_)[0])


def favorite(conn: Connection, image: uuid.UUID) -> bool:
    """Turn the mark of an image over; gives what it is now."""
    return bool(_one(conn, "favorite", image=image)[0])


def collect(conn: Connection, user: uuid.UUID, image: uuid.UUID, title: str) -> uuid.UUID:
    """Put an image into a new collection; gives the collection's id."""
    return cast(uuid.UUID, _one(conn, "collect", user=user, image=image, title=title)[0])


def keep_prompt(conn: Connection, user: uuid.UUID, text: str) -> uuid.UUID:
    """Keep a prompt for later; gives its id."""
    return cast(uuid.UUID, _one(conn, "keep_prompt", user=user, text=text)[0])


def delete_image(conn: Connection, image: uuid.UUID) -> None:
    """Take an image away; its file stays."""
    _do(conn, "delete_image", image=image)


def erase_user(conn: Connection, user: uuid.UUID) -> None:
    """Delete an account. V2's tables follow it; V1 keeps the profile, for it has no foreign key."""
    _do(conn, "erase", user=user)


# ---------------------------------------------------------------- a day's work on V2, and its trace


def write_on_v2(conn: Connection, seed: int, n: int) -> list[Write]:
    """About `n` writes such as a day brings, on V2 in schema public; gives those acknowledged.

    All of them can be brought back into V1 (README.md says what could not). `conn` in autocommit
    mode: each write is a transaction. The choice depends on `seed` and on what V2 holds. Every
    kind of write is among the first sixteen.
    """
    dice = random.Random(seed)
    done: list[Write] = []
    admin = _maybe(conn, "pick_admin")
    for number in range(n):
        kind = _KINDS[number] if number < len(_KINDS) else dice.choice(_KINDS)
        write = _write(conn, dice, kind, f"{seed}-{number}", done, admin[0] if admin else None)
        if write is not None:
            done.append(write)
    return done


def missing_in_v1(conn: Connection, writes: Iterable[Write]) -> list[Write]:
    """Those of the writes whose outcome V1 (found by search_path) does not show.

    Later writes count: a profile that was edited twice has its second name, of an account that was
    erased nothing is left, and a balance is what the last movement made it (where the movements
    are nothing together, V2 changed no balance, and V1 shows its own).
    """
    return [write for write in _final(writes) if not _seen(conn, write)]


def _write(
    conn: Connection,
    dice: random.Random,
    kind: str,
    mark: str,
    done: Sequence[Write],
    admin: uuid.UUID | None,
) -> Write | None:
    user = _someone(conn, dice, kind, done)
    if kind == "sign_up":
        name = dice.choice(["Zoé", "Anaïs", "O’Neil", "Łukasz"])
        email = None if dice.random() < 0.2 else f"nouveau+{mark}@example.org"
        return Write(kind, sign_up(conn, email, name), {"email": email, "full_name": name})
    if kind == "ban":
        email = f"Fraude+{mark}@Example.net"
        ban(conn, email, "fraude « sur V2 »", admin)
        return Write(kind, expect={"email": email.lower(), "banned": True})
    if kind == "unban":
        found = _pick(conn, dice, "pick_ban")
        if found is None:
            return None
        unban(conn, found)
        return Write("ban", expect={"email": found, "banned": False})
    if kind in ("favorite", "delete_image"):
        return _about_image(conn, dice, kind)
    if user is None:
        return None
    if kind in ("buy", "spend", "refund", "bonus", "below_zero", "watch"):
        return _move_credits(conn, dice, kind, mark, user)
    if kind == "edit":
        said = {"full_name": f"Nouveau nom {mark}", "language": dice.choice(["fr", "en", "es"])}
        edit(conn, user, **said)
        return Write(kind, user, said)
    if kind == "erase":
        erase_user(conn, user)
        return Write(kind, user)
    if kind == "prompt":
        text = f"une améthyste {mark}"
        return Write(kind, user, {"prompt": keep_prompt(conn, user, text), "text": text})
    made = {"prompt": f"un renard « neuf » {mark}", "hash": f"neuf-{mark}"}
    image = generate(conn, user, made["prompt"], made["hash"])
    if kind == "generate":
        return Write(kind, user, {"image": image, **made})
    title = f"Collection {mark}"
    collection = collect(conn, user, image, title)
    return Write(kind, user, {"collection": collection, "image": image, "title": title})


def _someone(
    conn: Connection, dice: random.Random, kind: str, done: Sequence[Write]
) -> uuid.UUID | None:
    """Whom a write is about: now and then somebody new."""
    if kind in ("spend", "refund"):
        return cast("uuid.UUID | None", _pick(conn, dice, "pick_rich"))
    if kind == "below_zero":
        return cast("uuid.UUID | None", _pick(conn, dice, "pick_below_zero"))
    erased = {w.user for w in done if w.kind == "erase"}
    new = [w.user for w in done if w.kind == "sign_up" and w.user not in erased]
    if new and dice.random() < 0.3:
        return dice.choice(new)
    return cast("uuid.UUID | None", _pick(conn, dice, "pick_users"))


def _move_credits(
    conn: Connection, dice: random.Random, kind: str, mark: str, user: uuid.UUID
) -> Write | None:
    if kind == "watch":
        seen: dict[str, Any] = {
            "view": f"view-{mark}",
            "seconds": dice.choice([5, 20, 31]),
            "platform": dice.choice(["web", "mobile", "unknown"]),
        }
        earned, balance = watch(conn, user, f"ad-{dice.randrange(9)}", **seen)
        return Write(kind, user, {**seen, "amount": earned, "balance": balance})
    amount = dice.choice([1, 2, 5])
    if kind in ("buy", "below_zero"):
        amount *= 50
        done = buy(conn, user, amount, f"pi_{mark}")
        kind = "buy"
    elif kind == "bonus":
        done = bonus(conn, user, amount)
    else:
        spent = spend(conn, user, amount)
        if spent is None:
            return None
        done, amount = spent, -amount
        if kind == "refund":
            done, amount = refund(conn, spent[0]), -amount
    return Write(kind, user, {"transaction": done[0], "amount": amount, "balance": done[1]})


def _about_image(conn: Connection, dice: random.Random, kind: str) -> Write | None:
    image = _pick(conn, dice, "pick_image")
    if image is None:
        return None
    if kind == "favorite":
        return Write(kind, expect={"image": image, "liked": favorite(conn, image)})
    delete_image(conn, image)
    return Write(kind, expect={"image": image})


def _pick(conn: Connection, dice: random.Random, statement: str) -> Any:
    start = uuid.UUID(int=dice.getrandbits(128))
    found = _maybe(conn, statement, **{"from": start, "n": 1})
    found = found or _maybe(conn, statement, **{"from": uuid.UUID(int=0), "n": 1})
    return found[0] if found else None


def _final(writes: Iterable[Write]) -> list[Write]:
    """What is left to be seen once all of the writes were made, in order."""
    last: dict[tuple[object, ...], Write] = {}
    before: dict[uuid.UUID | None, int] = {}
    for number, write in enumerate(writes):
        image = write.expect.get("image")
        if write.kind == "delete_image":
            last = {k: w for k, w in last.items() if w.expect.get("image") != image}
        if write.kind == "erase":
            # Of images it is not known whose they are.
            last = {k: w for k, w in last.items() if w.user != write.user and w.kind != "favorite"}
        key: tuple[object, ...] = (number,)
        if write.kind in ("sign_up", "edit"):
            key = ("profile", write.user)
        elif write.kind == "ban":
            key = ("ban", write.expect["email"])
        elif write.kind == "favorite":
            key = ("favorite", image)
        last[key] = write
        if write.kind in _MOVES_CREDITS:
            after = write.expect["balance"]
            # Of a refund, the spending before it is not a write of its own.
            moved = 0 if write.kind == "refund" else write.expect["amount"]
            before.setdefault(write.user, after - moved)
            last["balance", write.user] = Write("balance", write.user, {"balance": after})
    return [
        w for w in last.values() if w.kind != "balance" or w.expect["balance"] != before[w.user]
    ]


_SEEN = {
    "sign_up": "seen_account",
    "edit": "seen_profile",
    "watch": "seen_view",
    "balance": "seen_balance",
    "ban": "seen_ban",
    "generate": "seen_image",
    "favorite": "seen_favorite",
    "collect": "seen_collection",
    "prompt": "seen_prompt",
    "delete_image": "seen_any_image",
    "erase": "seen_anything_of",
}


def _seen(conn: Connection, write: Write) -> bool:
    statement = _SEEN.get(write.kind, "seen_movement")
    found = _maybe(conn, statement, **write.expect, user=write.user)
    gone = write.kind in ("delete_image", "erase") or write.expect.get("banned") is False
    return (found is None) == gone


# --------------------------------------------------------------------------------- statements


def _movement(row: Row) -> tuple[uuid.UUID, int]:
    return row[0], int(row[1])


def _as_user(conn: Connection, who: uuid.UUID, name: str, **given: Any) -> list[Row]:
    """Run a statement with the claims of the user's token, as PostgREST does."""
    with conn.transaction():
        conn.execute(_SQL["claims"], {"user": who})
        return conn.execute(_SQL[name], given).fetchall()


def _do(conn: Connection, name: str, **given: Any) -> None:
    with conn.transaction():
        conn.execute(_SQL[name], given)


def _all(conn: Connection, name: str, **given: Any) -> list[Row]:
    with conn.transaction():
        return conn.execute(_SQL[name], given).fetchall()


def _maybe(conn: Connection, name: str, **given: Any) -> Row | None:
    found = _all(conn, name, **given)
    return found[0] if found else None


def _one(conn: Connection, name: str, **given: Any) -> Row:
    (found,) = _all(conn, name, **given)
    return found
