"""What the Dropskills application does, on V1 and on V2: for demonstrations and functional tests.

Tables are found by search_path (public): the same calls reach V1 before the cutover and V2 after
it; what only one of them can do says so. Each write is one transaction, so on a connection in
autocommit mode it is acknowledged when the function returns.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[Any]
Row = tuple[Any, ...]


def _statements() -> dict[str, str]:
    text = (Path(__file__).parent / "application.sql").read_text(encoding="utf-8")
    parts = text.split("-- name: ")[1:]
    named = (part.split("\n", 1) for part in parts)
    return {name.strip(): body.strip() for name, body in named}


_SQL = _statements()
# What write_on_v2 does; those that are there twice come twice as often.
_KINDS = ("sign_up", "create", "edit", "edit", "favorite", "favorite", "buy", "log", "delete")


@dataclass(frozen=True)
class Write:
    """A write that V2 acknowledged: `kind`, the keys it is about, and what must be found later.

    Kinds: sign_up, create, edit, favorite, buy, delete, log, erase.
    """

    kind: str
    user: uuid.UUID | None = None
    pack: uuid.UUID | None = None
    expect: dict[str, Any] = field(default_factory=dict)


# ------------------------------------------------------------------------------ single actions


def version(conn: Connection) -> int:
    """1 or 2: whose tables search_path finds."""
    return 2 if _one(conn, "is_v2")[0] else 1


def sign_up(conn: Connection, email: str | None, first_name: str = "Zoé") -> uuid.UUID:
    """A new account, as Supabase makes it: the trigger writes its profile (V1) or user (V2)."""
    return cast(uuid.UUID, _one(conn, "sign_up", email=email, first_name=first_name)[0])


def account(conn: Connection, user: uuid.UUID) -> Row | None:
    """id, email, role, status of who signs in; None where the sign-up left no trace."""
    return _maybe(conn, f"v{version(conn)}_account", id=user)


def list_published_packs(conn: Connection, limit: int = 20) -> list[Row]:
    """id, title, category, views, favorites, ids of at most three samples; newest first."""
    return _all(conn, f"v{version(conn)}_list", limit=limit)


def set_favorite(conn: Connection, user: uuid.UUID, pack: uuid.UUID, liked: bool = True) -> None:
    """Like a pack, or no longer."""
    _do(conn, f"v{version(conn)}_favorite_{'add' if liked else 'remove'}", user=user, pack=pack)


def edit(conn: Connection, pack: uuid.UUID, title: str, price: Decimal, description: str) -> None:
    """Change what the shop says of a product (V1) or pack (V2)."""
    _do(
        conn,
        f"v{version(conn)}_edit",
        pack=pack,
        title=title,
        price=price,
        description=description,
    )


def buy(conn: Connection, user: uuid.UUID, pack: uuid.UUID, paid: bool = True) -> None:
    """Give access; buying again changes nothing. V2 notes the payment, if there was one."""
    transaction = f"tx-{uuid.uuid4()}" if paid else None
    _do(conn, f"v{version(conn)}_buy", user=user, pack=pack, transaction=transaction)


def owned(conn: Connection, user: uuid.UUID) -> list[uuid.UUID]:
    """The packs that somebody owns."""
    return [row[0] for row in _all(conn, f"v{version(conn)}_owned", user=user)]


def create(
    conn: Connection, title: str, price: Decimal, slug: str = "", description: str = ""
) -> uuid.UUID:
    """A new, published product (V1) or pack (V2; `slug` must be free)."""
    given = {"title": title, "price": price, "slug": slug, "description": description}
    return cast(uuid.UUID, _one(conn, f"v{version(conn)}_create", **given)[0])


def delete(conn: Connection, pack: uuid.UUID) -> None:
    """Take a product (V1) or pack (V2) away, with all that hangs on it."""
    with conn.transaction():
        if version(conn) == 1:  # V1's foreign keys do not cascade from here
            _do(conn, "v1_delete_stats", pack=pack)
            _do(conn, "v1_delete_favorites", pack=pack)
        _do(conn, f"v{version(conn)}_delete", pack=pack)


def log(
    conn: Connection,
    admin: uuid.UUID | None,
    action: str,
    place: str,
    target: uuid.UUID,
    details: dict[str, Any],
) -> str:
    """A line of the audit trail; gives its id."""
    given = {"admin": admin, "action": action, "place": place, "target": target}
    return str(_one(conn, f"v{version(conn)}_log", **given, details=Jsonb(details))[0])


def erase_user(conn: Connection, user: uuid.UUID, admin: uuid.UUID, why: str | None = None) -> None:
    """V2: erase a person; the trail and the usage figures stay."""
    _do(conn, "v2_erase", user=user, admin=admin, why=why)


def use_ai_tool(conn: Connection, user: uuid.UUID, tool: uuid.UUID) -> uuid.UUID:
    """V2: one use of an AI tool; gives its id. Raises psycopg.errors.RaiseException if refused."""
    return cast(uuid.UUID, _one(conn, "v2_use_tool", user=user, tool=tool)[0])


# ---------------------------------------------------------------- a day's work on V2, and its trace


def write_on_v2(conn: Connection, seed: int, n: int, *, erase: bool = False) -> list[Write]:
    """About `n` writes such as a day brings, on V2 in schema public; gives those acknowledged.

    All of them can be brought back into V1 (README.md says what could not). `conn` in autocommit
    mode: each write is a transaction. The choice depends on `seed` and on what V2 holds. Every
    kind of write is among the first ten. `erase`: people are erased, too (see delete_user_gdpr).
    """
    dice = random.Random(seed)
    done: list[Write] = []
    admin = _maybe(conn, "pick_admin")
    kinds = (*_KINDS, "erase") if erase else _KINDS
    for number in range(n):
        kind = kinds[number] if number < len(kinds) else dice.choice(kinds)
        write = _write(conn, dice, kind, f"{seed}-{number}", done, admin[0] if admin else None)
        if write is not None:
            done.append(write)
    return done


def missing_in_v1(conn: Connection, writes: Iterable[Write]) -> list[Write]:
    """Those of the writes whose outcome V1 (found by search_path) does not show.

    Later writes count: a pack that was edited twice has its second title, one that was deleted
    has none, and what was liked and no longer liked is gone.
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
    user = _pick(conn, dice, "pick_users")
    if kind == "sign_up":
        name = dice.choice(["Zoé", "Anaïs", "O’Neil", "Łukasz"])
        email = None if dice.random() < 0.2 else f"nouveau+{mark}@example.org"
        made = sign_up(conn, email, name)
        return Write("sign_up", user=made, expect={"first_name": name})
    if kind == "create":
        text = _text(dice, mark)
        made = create(conn, text["title"], text["price"], f"nouveau-{mark}", text["description"])
        return Write("create", pack=made, expect=text)
    if kind == "log":
        expect: dict[str, Any] = {
            "action": f"REPRICE {mark}",
            "place": "packs",
            "target": uuid.UUID(int=dice.getrandbits(128)),
        }
        details = {"before": dice.randrange(100), "raison": "« été »"}
        log(conn, admin, expect["action"], expect["place"], expect["target"], details)
        return Write("log", user=admin, expect={**expect, "details": details})
    if kind == "erase":
        if user is None or admin is None or user == admin:
            return None
        erase_user(conn, user, admin)
        return Write("erase", user=user)
    made_here = [w.pack for w in _final(done) if w.kind == "create"]
    if kind == "buy":
        pack = _pick(conn, dice, "pick_sold")
    elif made_here and dice.random() < 0.3:
        pack = dice.choice(made_here)
    elif kind == "edit" and dice.random() < 0.3:
        pack = _pick(conn, dice, "pick_sold")
    else:
        pack = _pick(conn, dice, "pick_listed")
    if pack is None or user is None:
        return None
    if kind == "edit":
        text = _text(dice, mark)
        edit(conn, pack, text["title"], text["price"], text["description"])
        return Write("edit", pack=pack, expect=text)
    if kind == "favorite":
        liked = dice.random() < 0.7
        set_favorite(conn, user, pack, liked)
        return Write("favorite", user=user, pack=pack, expect={"liked": liked})
    if kind == "buy":
        buy(conn, user, pack, paid=False)  # of payments V1 has no column
        return Write("buy", user=user, pack=pack)
    delete(conn, pack)
    return Write("delete", pack=pack)


def _text(dice: random.Random, mark: str) -> dict[str, Any]:
    return {
        "title": dice.choice(["Pack Été", "Nouveau cœur", "  Ça alors ", "🚀"]) + f" {mark}",
        "price": Decimal(dice.randrange(20_000)) / 100,
        "description": dice.choice(["", "Écrit sur V2\n« après »", "neuf"]),
    }


def _pick(conn: Connection, dice: random.Random, statement: str) -> uuid.UUID | None:
    start = uuid.UUID(int=dice.getrandbits(128))
    found = _maybe(conn, statement, **{"from": start, "n": 1})
    found = found or _maybe(conn, statement, **{"from": uuid.UUID(int=0), "n": 1})
    return found[0] if found else None


def _final(writes: Iterable[Write]) -> list[Write]:
    """What is left to be seen once all of the writes were made, in order."""
    last: dict[tuple[object, ...], Write] = {}
    for number, write in enumerate(writes):
        if write.kind == "delete":
            last = {k: w for k, w in last.items() if w.pack != write.pack}
        if write.kind == "erase":
            last = {k: w for k, w in last.items() if w.user != write.user or w.kind == "log"}
        if write.kind == "edit" and ("create", None, write.pack) in last:
            write = Write("create", pack=write.pack, expect=write.expect)
        about = number if write.kind == "log" else None
        key = (write.kind, write.user, write.pack) if about is None else (write.kind, about)
        last[key] = write
    return list(last.values())


def _seen(conn: Connection, write: Write) -> bool:
    expect = write.expect
    match write.kind:
        case "sign_up":
            return _maybe(conn, "seen_account", id=write.user, **expect) is not None
        case "create":
            return _maybe(conn, "seen_product", id=write.pack, **expect) is not None
        case "edit":
            return any(
                _maybe(conn, statement, id=write.pack, **expect) is not None
                for statement in ("seen_product", "seen_pack")
            )
        case "favorite":
            found = _maybe(conn, "seen_favorite", user=write.user, pack=write.pack)
            return (found is not None) == bool(expect["liked"])
        case "buy":
            return _maybe(conn, "seen_ownership", user=write.user, pack=write.pack) is not None
        case "delete":
            return _maybe(conn, "seen_any_product", id=write.pack) is None
        case "erase":
            return _maybe(conn, "seen_any_account", id=write.user) is None
        case "log":
            given = {**expect, "details": Jsonb(expect["details"]), "admin": write.user}
            return _maybe(conn, "seen_log", **given) is not None
    raise ValueError(f"no such kind of write: {write.kind}")


# --------------------------------------------------------------------------------- statements


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
