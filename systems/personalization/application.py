"""What the platform's application does on V2, and whether V1 shows it after a rollback.

Tables are found by search_path (public). Each write is one statement, so on a connection in
autocommit mode it is acknowledged when the function returns.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[Any]


def _statements() -> dict[str, str]:
    text = (Path(__file__).parent / "application.sql").read_text(encoding="utf-8")
    named = (part.split("\n", 1) for part in text.split("-- name: ")[1:])
    return {name.strip(): body.strip() for name, body in named}


_SQL = _statements()
KINDS = ("order", "status", "price", "product", "call", "subscription", "user", "delete_asset")


@dataclass(frozen=True)
class Write:
    """A write that V2 acknowledged; `given` are its values, by which it is looked for in V1."""

    kind: str
    given: dict[str, Any] = field(default_factory=dict)


def write_on_v2(conn: Connection, seed: int, n: int) -> list[Write]:
    """`n` writes such as a day brings; each can be brought back into V1. Gives those acknowledged.

    `conn` in autocommit mode. The choice depends on `seed` and on what V2 holds; every kind of
    write is among the first.
    """
    dice = random.Random(seed)
    known = {
        name: _keys(conn, name) for name in ("products", "designs", "orders", "webhooks", "assets")
    }
    done = []
    for number in range(n):
        kind = KINDS[number] if number < len(KINDS) else dice.choice(KINDS)
        if kind == "delete_asset" and not known["assets"]:
            continue
        write = Write(kind, _given(dice, kind, f"n{seed}x{number}", known))
        if _do(conn, kind, write.given).rowcount == 1:
            done.append(write)
    return done


def add_item(
    conn: Connection, key: str, order: str, product: str, quantity: int, price: int
) -> None:
    """V2: one more item of an order, priced in cents. V1 has no place for it."""
    given = {"id": key, "order": order, "product": product, "quantity": quantity, "price": price}
    _do(conn, "item", given)


def missing_in_v1(conn: Connection, writes: Iterable[Write]) -> list[Write]:
    """Those of the writes that V1 (found by search_path) does not show.

    Later writes count: of an order whose status changed twice, the second.
    """
    last = {(write.kind, write.given["id"]): write for write in writes}
    return [w for w in last.values() if _do(conn, f"seen_{w.kind}", w.given).fetchone() is None]


def _given(
    dice: random.Random, kind: str, mark: str, known: dict[str, list[str]]
) -> dict[str, Any]:
    product, cents = dice.choice(known["products"]), dice.randrange(20000)
    match kind:
        case "order":
            design = dice.choice(known["designs"])
            return {"id": f"{mark}o", "number": f"WEB-{mark}", "product": product, "design": design,
                    "price": cents}  # fmt: skip
        case "status":
            status = dice.choice(["PAID", "SHIPPED", "DELIVERED"])
            return {"id": dice.choice(known["orders"]), "status": status, "notes": f"noté {mark}"}
        case "price":
            price = Decimal(cents) / 100
            return {"id": product, "price": price, "description": f"été {mark}"}
        case "product":
            return {"id": f"{mark}p", "name": f"Mug Été {mark}", "slug": f"mug-ete-{mark}",
                    "price": Decimal(cents) / 100, "product": product}  # fmt: skip
        case "call":
            return {"id": f"{mark}d", "webhook": dice.choice(known["webhooks"]),
                    "payload": Jsonb({"id": mark, "été": cents}),
                    "code": dice.choice([200, 500])}  # fmt: skip
        case "subscription":
            return {"id": f"{mark}w", "url": f"https://example.org/{mark}", "product": product}
        case "user":
            return {"id": f"{mark}u", "email": f"{mark}@example.org"}
        case _:
            asset = dice.choice(known["assets"])
            known["assets"].remove(asset)
            return {"id": asset}


def _keys(conn: Connection, name: str) -> list[str]:
    return [str(row[0]) for row in _do(conn, name, {}).fetchall()]


def _do(conn: Connection, name: str, given: dict[str, Any]) -> psycopg.Cursor[Any]:
    return conn.execute(_SQL[name].encode(), given)
