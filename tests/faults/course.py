"""The stages of the shop's move: what leads to each, where both sides are, and who writes what."""

from __future__ import annotations

from faults.load import FIRST
from faults.steps import DROP_V1, DROP_V2, OPEN_BOTH

BEFORE = {  # stage: the one before it, and what leads from there
    "copied": ("built", "copy"),
    "proven": ("copied", "verify"),
    "both": ("proven", OPEN_BOTH),
    "cut": ("proven", "cutover"),
    "both cut": ("both", "cutover"),
    "back": ("cut", "rollback"),
    "ended": ("cut", DROP_V1),
    "abandoned": ("back", DROP_V2),
}
SIDES: dict[str, dict[str, str]] = {  # stage: the schemas of the sides that are there, and whole
    "v1": {"v1": "public"},
    "built": {"v1": "public"},
    "copied": {"v1": "public", "v2": "shop_v2"},
    "proven": {"v1": "public", "v2": "shop_v2"},
    "both": {"v1": "public", "v2": "shop_v2"},
    "cut": {"v1": "shop_old", "v2": "public"},
    "both cut": {"v1": "shop_old", "v2": "public"},
    "back": {"v1": "public", "v2": "shop_v2"},
    "ended": {"v2": "public"},
    "abandoned": {"v1": "public"},
}
# Where the application's writes go, first and after a switch.
FROM_V1 = (("v1", "public"), ("v2", "public"))
FROM_V2 = (("v2", "public"), ("v1", "public"))
EARLY_V2 = (("v2", "shop_v2"), ("v2", "public"))
LOADS = {
    "cut": (FROM_V2,),
    "both": (FROM_V1, EARLY_V2),
    "both cut": (FROM_V2,),
    "ended": (FROM_V2,),
}

# Written before the program starts, so that it has something to carry over at its first look.
ON_V1 = f"""
update product set price = price + 1 where id between 100 and 120;
update category set name = 'Renamed' where id = 2;
insert into product (id, name, labels)
select max(id) + 1, 'Pack 3', '{{a,b}}' from product where id < {FIRST};
delete from purchase where id between 50 and 60;
"""
ON_V2 = f"""
update items set price = price + 1 where kind = 'bundle';
update categories set title = 'Renamed on V2' where id = 3;
insert into purchases (id, customer_id, amount)
select coalesce(max(id), {FIRST} - 100) + 1, 4, 2.5 from purchases
 where id between {FIRST} - 100 and {FIRST} - 1;
delete from purchases where id between 70 and 80;
"""
# A product of the same number counts as the bundle's own change, and would be a conflict.
SAME_NUMBER = ("kind = 'bundle'", "kind = 'bundle' and price > 45")
WRITES = dict.fromkeys(("v1", "built", "copied", "proven", "back"), ON_V1) | {
    "both": f"{ON_V1} set search_path to shop_v2; {ON_V2.replace(*SAME_NUMBER)}",
    "cut": ON_V2,
    "both cut": ON_V2,
}

# The same rows, asked of either side, beyond what the program itself compares.
CARRIED = (
    (
        "select id, customer_id, amount from {v1}.purchase",
        "select id, customer_id, amount from {v2}.purchases",
    ),
    (
        "select k.value, p.price::numeric(10,2) from {v1}.product p"
        " join repot_registry.item_key k on k.kind = 'product' and k.id = p.id",
        "select id, price from {v2}.items where kind = 'product'",
    ),
    ("select price from {v1}.bundle", "select price from {v2}.items where kind = 'bundle'"),
    ("select id, name from {v1}.category", "select id, title from {v2}.categories"),
    ("select id, email from {v1}.customer", "select id, email from {v2}.customers"),
)
