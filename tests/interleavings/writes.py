"""Random statements of V1's writers, and of V2's."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

TITLES = ["'x'", "'y'", "'z'", "null"]
TAGS = ["'{}'", "'{a}'", "'{a,b}'", "'{b,c}'", "'{a,a}'", "'{NULL,c}'"]
CODES = ["'a'", "'b'", "'c'", "null"]

LITTLE = ("few", "renames")  # themes of which little is written

_SWAP = (
    "update category set code = o.code from (select a.id, b.code from category a, category b"
    " where a.id in ({a}, {b}) and b.id in ({a}, {b}) and a.id <> b.id) o where category.id = o.id"
)


@dataclass(frozen=True)
class Theme:
    """What the writers of one schedule write: everything, or a few kinds; mostly on one row of each
    table, so that transactions meet."""

    name: str
    texts: tuple[str, ...]
    weights: tuple[float, ...]
    category: int
    other: int
    row: int  # of the other tables
    keys: int
    most: int  # statements in a transaction
    spread: float  # how many of them are about other rows


def theme(rng: random.Random, name: str | None = None) -> Theme:
    """A random one, or that of this name; `v2` is for V2's writers, `renames` for nobody who does
    not ask for it."""
    name = name or rng.choices(*zip(*_THEMES.items(), strict=True))[0]
    kinds = _V2 if name == "v2" else [k for k in _KINDS if name in ("all", *k[2].split())]
    category, other = rng.sample([1, 2, 3], 2)
    return Theme(
        name,
        tuple(k[0] for k in kinds),
        tuple(k[1] for k in kinds),
        category,
        other,
        rng.randint(1, 3),
        keys=6 if name in ("all", "v2") else 4,
        most=1 if name in LITTLE else 4,
        spread=0.05 if name in LITTLE else 0.25,
    )


def part(rng: random.Random, theme: Theme) -> Theme:
    """Some kinds of the theme's statements, for one writer: who does less of everything meets more
    often what the others do (Groce and others, "Swarm testing", ISSTA 2012)."""
    number = rng.choice([1, 2, len(theme.texts)])
    chosen = [theme.texts.index(t) for t in rng.choices(theme.texts, theme.weights, k=number)]
    return replace(
        theme,
        texts=tuple(theme.texts[n] for n in chosen),
        weights=tuple(theme.weights[n] for n in chosen),
    )


def statement(rng: random.Random, theme: Theme) -> str:
    """One write."""

    def row() -> int:
        return theme.row if rng.random() > theme.spread else rng.randint(1, theme.keys)

    a, b = rng.sample([1, 2, 3, 4], 2)
    if rng.random() > theme.spread:
        a, b = theme.category, theme.other
    words = {
        "a": a,
        "b": b,
        "n": row(),
        "m": rng.randint(1, theme.keys),
        "v": rng.randint(0, 9),
        "title": rng.choice(TITLES),
        "label": rng.choice(TITLES[:3]),
        "tags": rng.choice(TAGS),
        "code": rng.choice(CODES),
        "parent": rng.choice([theme.category] * 4 + [theme.other] * 3 + ["null", 4]),
        "item": rng.choice([row(), row(), row(), "null"]),
        "kind": rng.choice(["product", "product", "bundle"]),
        "slug": f"s{rng.randint(1, 9)}",
        "tag": rng.choice("abc"),
    }
    return rng.choices(theme.texts, theme.weights)[0].format(**words)


_THEMES = {"all": 3, "join": 3, "sums": 2, "few": 2, "hot": 1, "swap": 1, "slugs": 1}
_KINDS = [  # statement, weight in its themes, themes
    ("update category set name = 'r{v}' where id = {a}", 6.0, "hot join few renames"),
    ("update category set code = {code} where id = {a}", 3, "swap few"),
    (_SWAP, 4, "swap"),
    ("insert into category values ({a}, 'new {v}', null) on conflict (id) do nothing", 4, "swap"),
    ("delete from category where id = {a}", 2, "swap"),
    ("update category set id = {b} where id = {a}", 1, "swap"),
    (
        "insert into product values ({n}, {parent}, {title}, {v}, {tags}) on conflict do nothing",
        6,
        "slugs",
    ),
    ("update product set category_id = {parent} where id = {n}", 8, "join sums"),
    ("update product set category_id = {a} where id = {n}", 6, "renames"),
    ("update product set category_id = {a} where category_id = {b}", 2, "join"),
    ("update product set title = {title}, price = null where id = {n}", 3, "slugs"),
    ("update product set price = {v} where id = {n}", 3, "hot"),
    ("update product set tags = {tags} where id = {n}", 4, "hot"),
    ("update product set id = {m} where id = {n}", 2, "slugs"),
    ("delete from product where id = {n}", 3, "slugs"),
    ("insert into bundle values ({n}, {label}, {v}) on conflict do nothing", 2, "slugs"),
    ("update bundle set id = {m}, price = null where id = {n}", 2, "slugs"),
    ("delete from bundle where id = {n}", 1, "slugs"),
    ("insert into sale values ({n}, {item}, {v}) on conflict do nothing", 4, "sums"),
    ("update sale set product_id = {item} where id = {n}", 5, "sums"),
    ("update sale set amount = {v} where id = {n}", 3, "hot sums"),
    ("delete from sale where product_id = {n}", 2, "sums"),
    ("truncate sale", 1, "sums"),
    ("truncate bundle", 0.5, ""),
]
_V2 = [  # what V1 has a place for
    ("update categories set name = 'w{v}' where id = {a}", 5.0),
    ("update categories set code = {code} where id = {a}", 3),
    (_SWAP.replace("category", "categories"), 2),
    ("insert into categories values ({a}, 'new {v}', null, 0) on conflict (id) do nothing", 2),
    ("delete from category_sales where category_id = {a}", 1),
    ("delete from categories where id = {a}", 1),
    (
        "insert into items values ('{kind}', {n}, {label}, '{slug}', null, null, {v}, false)"
        " on conflict do nothing",
        5,
    ),
    ("update items set title = {label}, price = {v} where kind = '{kind}' and id = {n}", 5),
    ("update items set price = null where id = {n}", 2),
    ("update items set category_id = {parent} where kind = 'product' and id = {n}", 4),
    ("update items set category_id = {a} where category_id = {b}", 2),
    ("update items set id = {m} where kind = '{kind}' and id = {n}", 2),
    (
        "update items set kind = 'bundle', category_id = null where id = {n} and title is not null",
        1,
    ),
    ("delete from items where kind = '{kind}' and id = {n}", 3),
    ("insert into item_tags values ('product', {n}, '{tag}') on conflict do nothing", 4),
    ("delete from item_tags where id = {n} and tag = '{tag}'", 3),
    ("update item_tags set tag = '{tag}' where id = {n}", 2),
    ("truncate item_tags", 0.5),
]
