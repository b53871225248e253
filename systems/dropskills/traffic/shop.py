"""Operations on what the shop sells: products, packs, who owns and likes them, statistics."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from . import facts
from .facts import Change, Key
from .work import Said, Work, operation
from .world import World, moment

# Alike once they are made into slugs, so that slugs must be told apart while the load goes on.
TITLES = (
    "Pack Été",
    "PACK ÉTÉ !!!",
    "pack_ete",
    "Cœur de métier",
    "L’art de vendre",
    "🔥",
    "",
    "C++",
)
STATES = (
    *("ACTIVE|PUBLIC", "PUBLISHED|PUBLIC", "ACTIVE|PUBLIC", "DRAFT|PUBLIC", "SUSPENDED|PUBLIC"),
    *("archived|UNLISTED", "ACTIVE|PRIVATE", "PUBLISHED|private", "DRAFT|PRIVATE"),
)
FILES = ((".mp4", "VIDEO"), (".WAV", "AUDIO"), (".pdf?x=a.mp4", "PDF"), (".webp", "IMAGE"))


def title(w: World) -> str:
    chosen = w.dice.choice(TITLES)
    return chosen if w.dice.random() < 0.2 else f"{chosen} {w.mark()}"


def price(dice: random.Random) -> tuple[Decimal, float]:
    """A price in cents, and as the floats of V1's packs spell it."""
    cents = dice.randrange(30_000)
    return Decimal(cents) / 100, cents * 0.01


def cover(w: World) -> str:
    return f"https://cdn.example.org/covers/{w.mark()}.webp"


@operation(5, grows="product")
def product_create(w: World) -> Said:
    product, cost, spelled = w.new_id(), price(w.dice)[0], w.dice.choice(STATES)
    status, visibility = spelled.split("|")
    creator = w.pick_id("user") if w.dice.random() < 0.7 else None
    slug = f"nouveau-{w.mark()}"
    shown: dict[str, Any] = {
        "title": title(w),
        "description": w.dice.choice((f"Neuf {w.mark()}\n« été »", "", None)),
        "cover": w.dice.choice((cover(w), None)),
        "category": w.dice.choice([*w.categories, None]),
    }
    state = facts.state(spelled)
    cols = {**shown, "price": facts.cents(cost), "state": state}
    given = {**shown, "id": product, "price": cost}
    key, stats = ("product", product), ("stats", product)
    none = {"views": 0, "downloads": 0, "purchases": 0}

    def said(dialect: int) -> Work:
        work = Work().so(Change(stats, none, new=True))
        if dialect == 1:
            work.say(
                "product_create", **given, status=status, visibility=visibility, creator=creator
            )
            return work.so(Change(key, {**cols, "source": "product"}, {"state": spelled}, new=True))
        work.say("product_create", **given, state=state, slug=slug)
        return work.so(Change(key, {**cols, "source": "product", "slug": slug}, new=True))

    return said


@operation(2.5, grows="pack")
def pack_create(w: World) -> Said:
    """V1's second kind of product. V2 has one kind, which is a product when V1 hears of it."""
    pack, (cost, in_float), slug = w.new_id(), price(w.dice), f"nouveau-{w.mark()}"
    shown = {"title": title(w), "description": w.dice.choice((f"Lot {w.mark()}", None))}
    cols = {**shown, "price": facts.cents(cost)}

    def said(dialect: int) -> Work:
        if dialect == 1:
            raw = {"price": in_float}
            work = Work().say("pack_create", id=pack, price=in_float, **shown)
            return work.so(Change(("pack", pack), {**cols, "source": "pack"}, raw, new=True))
        more = {"state": "PUBLISHED", "cover": None, "category": None}
        work = Work().say("product_create", id=pack, price=cost, slug=slug, **shown, **more)
        made = {**cols, **more, "source": "product", "slug": slug}
        none = {"views": 0, "downloads": 0, "purchases": 0}
        return work.so(
            Change(("product", pack), made, new=True), Change(("stats", pack), none, new=True)
        )

    return said


def _either(w: World) -> Key | None:
    return w.pick("pack" if w.dice.random() < 0.3 else "product")


@operation(8)
def edit(w: World) -> Said | None:
    """Title and description. Slugs stay what they are, unless V2 changes one."""
    key = _either(w)
    if not key:
        return None
    new = {"title": title(w), "description": f"Refait {w.mark()}"}
    slug = f"adresse-{w.mark()}" if w.dice.random() < 0.3 else None

    def said(dialect: int) -> Work:
        kind = key[0] if dialect == 1 else "product"
        work = Work().say(f"{kind}_edit", id=key[1], **new).so(Change(key, new))
        if dialect == 2 and slug:
            work.say("product_slug", id=key[1], slug=slug).so(Change(key, {"slug": slug}))
        return work

    return said


@operation(6)
def reprice(w: World) -> Said | None:
    """Money: whole cents in products, floats in V1's packs."""
    key, (cost, in_float) = _either(w), price(w.dice)
    if not key:
        return None
    cols = {"price": facts.cents(cost)}

    def said(dialect: int) -> Work:
        if dialect == 1 and key[0] == "pack":
            work = Work().say("pack_price", id=key[1], price=in_float)
            return work.so(Change(key, cols, {"price": in_float}))
        return Work().say("product_price", id=key[1], price=cost).so(Change(key, cols))

    return said


@operation(5)
def state_change(w: World) -> Said | None:
    """Status and, in V1, visibility. Only of products: V1's packs have no status."""
    product, spelled = w.pick("product"), w.dice.choice(STATES)
    if not product:
        return None
    status, visibility = spelled.split("|")
    state = facts.state(spelled)

    def said(dialect: int) -> Work:
        given = {"status": status, "visibility": visibility} if dialect == 1 else {"state": state}
        raw = {"state": spelled} if dialect == 1 else {}
        work = Work().say("product_state", id=product[1], **given)
        return work.so(Change(product, {"state": state}, raw))

    return said


@operation(3)
def move_to_category(w: World) -> Said | None:
    product = w.pick("product")
    if not product:
        return None
    new = {"category": w.dice.choice([*w.categories, None]), "cover": cover(w)}
    return lambda _: Work().say("product_place", id=product[1], **new).so(Change(product, new))


def gone(w: World, product: str, *, orphan_tags: bool) -> list[Change]:
    """A product goes, and all that hangs on it."""
    hanging = [key for kind in ("sample", "favorite", "stats") for key in w.about(product, kind)]
    tags = w.about(product, "tagged")
    return [
        Change(("product", product)),
        *(Change(key) for key in hanging),
        *(Change(key, orphan=orphan_tags) for key in tags),
    ]


def delete_products(w: World, products: list[str], *, leave_tags: bool) -> Said:
    """V1 has no foreign key from the tags: the application forgets them now and then."""

    def said(dialect: int) -> Work:
        work, orphan = Work(), leave_tags and dialect == 1
        if dialect == 1:
            work.say("product_stats_delete", None, ids=products)
            work.say("product_favorites_delete", None, ids=products)
            if not leave_tags:
                work.say("product_tags_delete", None, ids=products)
        work.say("products_delete", len(products), ids=products)
        for product in products:
            work.so(*gone(w, product, orphan_tags=orphan))
        return work

    return said


@operation(1.5, shrinks="product")
def product_delete(w: World) -> Said | None:
    product = w.pick_id("product")
    leave = w.dice.random() < 0.3
    return delete_products(w, [product], leave_tags=leave) if product else None


@operation(1, shrinks="pack")
def pack_delete(w: World) -> Said | None:
    """With all that is owned of it."""
    pack = w.pick("pack")
    if not pack:
        return None

    def said(dialect: int) -> Work:
        work = Work().so(Change(pack), *(Change(key) for key in w.about(pack[1], "owned")))
        if dialect == 1:
            return work.say("pack_delete", id=pack[1])
        return work.say("products_delete", ids=[pack[1]])

    return said


# ------------------------------------------------------------------------ owning, liking, looking


@operation(8, grows="owned")
def buy(w: World) -> Said | None:
    """Only what V1 has in packs can be owned there; buying again changes nothing."""
    pack, user = w.pick_id("pack"), w.pick_id("user")
    if not pack or not user:
        return None
    return lambda _: (
        Work().say("buy", None, pack=pack, user=user).so(Change(("owned", pack, user), {}))
    )


@operation(2, shrinks="owned")
def refund(w: World) -> Said | None:
    owned = w.pick("owned")
    if not owned:
        return None
    return lambda _: Work().say("refund", pack=owned[1], user=owned[2]).so(Change(owned))


@operation(8, grows="favorite")
def favorite(w: World) -> Said | None:
    user, product, at = w.pick_id("user"), w.pick_id("product"), moment()
    if not user or not product:
        return None
    return lambda _: (
        Work()
        .say("favorite", user=user, product=product, at=at)
        .so(Change(("favorite", user, product), {"at": at}))
    )


@operation(4, shrinks="favorite")
def unfavorite(w: World) -> Said | None:
    key = w.pick("favorite")
    if not key:
        return None
    return lambda _: Work().say("unfavorite", user=key[1], product=key[2]).so(Change(key))


@operation(6)
def look_at(w: World) -> Said | None:
    """Statistics: the first to look makes the row."""
    key = w.pick("stats")
    if not key:
        return None
    more = {"views": w.dice.randrange(1, 9), "downloads": w.dice.randrange(3), "purchases": 1}
    now = w.state(key).cols
    cols = {name: now[name] + n for name, n in more.items()}
    return lambda _: Work().say("stats_add", id=key[1], **more).so(Change(key, cols))


@operation(5)
def hot_look(w: World) -> Said | None:
    """All writers look at the same few products."""
    if not w.hot_products:
        return None
    product, views = w.dice.choice(w.hot_products), w.dice.randrange(1, 4)
    return lambda _: (
        Work()
        .say("stats_add", id=product, views=views, downloads=0, purchases=0)
        .so(Change(("hot_views", product), {}, add=views))
    )
