"""Operations on tags, samples and ideas, and those that touch many rows in one statement."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from . import facts
from .facts import Change
from .shop import FILES, cover, delete_products, price, title
from .work import Said, Work, operation
from .world import World

IDEA_TAGS = ('["ia", "seo"]', '[ "espace" ]', "seo, marketing", "[]", '["a", ["b"]]', "🔥", None)
BULK = 60


# ------------------------------------------------------------------------------------------- tags


@operation(1.5, grows="tag")
def tag_create(w: World) -> Said:
    tag, mark = w.new_id(), w.mark()
    name = f"Étiquette {mark}"

    def said(dialect: int) -> Work:
        slug = {"slug": f"etiquette-{mark}"} if dialect == 2 else {}
        work = Work().say("tag_create", id=tag, name=name, **slug)
        return work.so(Change(("tag", tag), {"name": name, **slug}, new=True))

    return said


@operation(2)
def tag_rename(w: World) -> Said | None:
    tag, name = w.pick("tag"), f"étiquette n° {w.mark()}"
    if not tag:
        return None
    return lambda _: Work().say("tag_rename", id=tag[1], name=name).so(Change(tag, {"name": name}))


@operation(1, shrinks="tag")
def tag_delete(w: World) -> Said | None:
    tag, leave_links = w.pick("tag"), w.dice.random() < 0.3
    if not tag:
        return None

    def said(dialect: int) -> Work:
        work, orphan = Work(), leave_links and dialect == 1
        if dialect == 1 and not leave_links:
            work.say("tag_links_delete", None, id=tag[1])
        work.say("tag_delete", id=tag[1]).so(Change(tag))
        return work.so(*(Change(key, orphan=orphan) for key in w.about(tag[1], "tagged")))

    return said


@operation(6, grows="tagged")
def link(w: World) -> Said | None:
    product, tag = w.pick_id("product"), w.pick_id("tag")
    if not product or not tag:
        return None
    return lambda _: (
        Work().say("link", None, product=product, tag=tag).so(Change(("tagged", product, tag), {}))
    )


@operation(3, shrinks="tagged")
def unlink(w: World) -> Said | None:
    key = w.pick("tagged")
    if not key:
        return None
    return lambda _: Work().say("unlink", product=key[1], tag=key[2]).so(Change(key))


# ---------------------------------------------------------------------------------------- samples


@operation(4, grows="sample")
def sample_create(w: World) -> Said | None:
    sample, product, (ending, kind) = w.new_id(), w.pick_id("product"), w.dice.choice(FILES)
    if not product:
        return None
    new = {"product": product, "title": "Extrait", "url": f"https://x.example/{w.mark()}{ending}"}

    def said(dialect: int) -> Work:
        type_ = {"type": kind} if dialect == 2 else {}
        work = Work().say("sample_create", id=sample, **new, **type_)
        return work.so(Change(("sample", sample), new, new=True))

    return said


@operation(1.5)
def sample_rename(w: World) -> Said | None:
    sample, new = w.pick("sample"), {"title": f"Extrait {w.mark()}"}
    if not sample:
        return None
    return lambda _: Work().say("sample_rename", id=sample[1], **new).so(Change(sample, new))


@operation(2, shrinks="sample")
def sample_delete(w: World) -> Said | None:
    sample = w.pick("sample")
    if not sample:
        return None
    return lambda _: Work().say("sample_delete", id=sample[1]).so(Change(sample))


# ------------------------------------------------------------------------------------------ ideas


@operation(0.3, alone=True)
def ideas_anew(w: World) -> Said | None:
    """TRUNCATE, and other ideas instead; now and then nothing instead. One writer's alone."""
    if not w.ideas:
        return None
    ideas = []
    for _ in range(0 if w.dice.random() < 0.1 else w.dice.randrange(3, 12)):
        new = {"title": f"Idée {w.mark()}", "score": w.dice.randrange(100)}
        ideas.append((w.new_id(), new, w.dice.choice(IDEA_TAGS)))
    old = w.all_ideas()

    def said(dialect: int) -> Work:
        work = Work().say("ideas_truncate", None).so(*(Change(key) for key in old))
        for idea, new, tags in ideas:
            given, now = _idea_tags(tags, dialect)
            raw = {"tags": tags} if dialect == 1 else {}
            work.say("idea_create", id=idea, tags=given, **new)
            cols = {**new, "featured": False, "tags": now}
            work.so(Change(("idea", idea), cols, raw, new=True))
        return work

    return said


@operation(2)
def idea_edit(w: World) -> Said | None:
    idea = w.pick("idea")
    if not idea:
        return None
    new = {"score": w.dice.randrange(100), "featured": w.dice.random() < 0.5}
    tags = w.dice.choice(IDEA_TAGS) if w.dice.random() < 0.4 else ()

    def said(dialect: int) -> Work:
        if tags == ():
            return Work().say("idea_edit", id=idea[1], **new).so(Change(idea, new))
        given, now = _idea_tags(tags, dialect)
        raw = {"tags": tags} if dialect == 1 else {}
        work = Work().say("idea_tags", id=idea[1], tags=given)
        return work.so(Change(idea, {"tags": now}, raw))

    return said


def _idea_tags(text: Any, dialect: int) -> tuple[Any, Any]:
    """What to write, and what V2 has then. V2 writes arrays of words, which V1 can hold."""
    if dialect == 1:
        return text, facts.idea_tags(text)
    words = None if text is None else [str(len(text)), "été"]
    return (None if words is None else Jsonb(words)), words


# ------------------------------------------------------------------------ many rows in a statement


@operation(0.6, alone=True)
def products_reprice(w: World) -> Said | None:
    """A sale: what it makes of a price depends on the price that was there."""
    products, by, image = w.pick_many("product", BULK), Decimal("0.10"), cover(w)
    if not products:
        return None
    old = {key: Decimal(w.state(key).cols["price"]) for key in products}
    changes = [
        Change(key, {"price": facts.cents(cost + by), "cover": image}) for key, cost in old.items()
    ]
    ids = [key[1] for key in products]
    return lambda _: (
        Work().say("products_reprice", len(ids), ids=ids, by=by, cover=image).so(*changes)
    )


@operation(0.4, alone=True)
def users_edit(w: World) -> Said | None:
    users, avatar = w.pick_many("user", BULK), f"https://cdn.example.org/{w.mark()}.png"
    if not users:
        return None
    ids = [key[1] for key in users]
    changes = [Change(key, {"avatar": avatar}) for key in users]
    return lambda _: Work().say("users_edit", len(ids), ids=ids, avatar=avatar).so(*changes)


@operation(0.4, grows="product", alone=True)
def products_create(w: World) -> Said:
    """An import: many rows in one INSERT."""
    new = [(w.new_id(), title(w), f"Importé {w.mark()}", price(w.dice)[0]) for _ in range(25)]
    slugs = [f"import-{w.mark()}" for _ in new]
    ids, titles, descriptions, prices = (list(column) for column in zip(*new, strict=True))
    given = {"ids": ids, "titles": titles, "descriptions": descriptions, "prices": prices}

    def said(dialect: int) -> Work:
        more = {"slugs": slugs} if dialect == 2 else {}
        work = Work().say("products_create", len(new), **given, **more)
        for (product, name, text, cost), slug in zip(new, slugs, strict=True):
            cols = {
                **{"source": "product", "title": name, "description": text, "state": "PUBLISHED"},
                **{"price": facts.cents(cost), "category": None, "cover": None},
                **({"slug": slug} if dialect == 2 else {}),
            }
            raw = {"state": "PUBLISHED|PUBLIC"} if dialect == 1 else {}
            work.so(Change(("product", product), cols, raw, new=True))
            none = {"views": 0, "downloads": 0, "purchases": 0}
            work.so(Change(("stats", product), none, new=True))
        return work

    return said


@operation(0.3, shrinks="product", alone=True)
def products_delete(w: World) -> Said | None:
    products = [key[1] for key in w.pick_many("product", 15)]
    return delete_products(w, products, leave_tags=False) if products else None
