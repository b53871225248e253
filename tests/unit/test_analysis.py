"""What the analysis says of views: scope, links, roles and outputs, without a database."""

from __future__ import annotations

from typing import Any

from repot.model.names import Name
from repot.model.plan import Role, Use
from repot.model.project import MoveSetting
from repot.moves.analysis import Analysis, analyse
from support.described import table

TABLES = {
    t.name: t
    for t in (
        table("products", ["id", "title:text", "category_id", "owner_id", "tags:text[]"]),
        table("categories", ["id", "name:text", "parent_id"]),
        table("packs", ["id:bigint", "name:character varying(20)", "price:double precision"]),
        table("favorites", ["user_id", "product_id", "at:date"], ["user_id", "product_id"]),
        table("stats", ["product_id", "views"], ["product_id"]),
        table("profiles", ["id", "email:character varying"], uniques=[("email",)]),
        table("users", ["id", "email:text"], schema="auth"),
        table("heap", ["x", "y"], []),
        table("slug", ["source:text", "id", "value:text"], ["source", "id"], "repot_registry"),
        table("key", ["id", "value:uuid"], ["id"], "repot_registry"),
    )
}


def run(
    sql: str, key: str = "id", columns: str = "", file: str = "moves/packs.sql", **setting: Any
) -> Analysis:
    return analyse(
        sql,
        tables=TABLES,
        key=tuple(key.split()),
        columns=tuple((columns or key).split()),
        setting=MoveSetting.model_validate(setting),
        file=file,
        default_schema="public",
    )


def use_of(analysis: Analysis, name: str, schema: str = "public") -> Use:
    (found,) = [u for u in analysis.uses if u.source == Name(schema_=schema, name=name)]
    return found


def link_of(analysis: Analysis, name: str, schema: str = "public") -> tuple[Any, Any]:
    link = use_of(analysis, name, schema).link
    assert link is not None
    return link.capture, link.locate


def test_the_driving_table_is_found_by_its_own_columns() -> None:
    analysis = run("SELECT p.id, p.title AS t FROM public.products p", columns="id t")
    assert (analysis.arms, analysis.scope, analysis.findings) == (1, ("id",), ())
    assert link_of(analysis, "products") == (("id",), None)
    assert use_of(analysis, "products").role is Role.DRIVING
    products = Name(schema_="public", name="products")
    assert [o.direct for o in analysis.outputs] == [((products, "id"),), ((products, "title"),)]


def test_names_without_a_prefix_are_understood() -> None:
    """PostgreSQL 18 prints them so where there is only one table."""
    analysis = run("SELECT id, title FROM public.products", columns="id t")
    assert link_of(analysis, "products") == (("id",), None)


def test_a_looked_up_table_is_located_by_what_looks_it_up() -> None:
    analysis = run(
        "SELECT p.id, c.name FROM (public.products p"
        " LEFT JOIN public.categories c ON ((c.id = p.category_id)))",
        columns="id n",
    )
    assert link_of(analysis, "categories") == (
        ("id",),
        "SELECT repot_0.id AS id, repot_0.category_id AS repot_link_1 FROM public.products repot_0",
    )
    assert use_of(analysis, "categories").role is Role.JOINED


def test_several_hops_are_joined_without_the_table_itself() -> None:
    analysis = run(
        "SELECT p.id, g.name FROM public.products p JOIN public.categories c"
        " ON c.id = p.category_id AND c.name <> 'x' JOIN public.categories g ON g.id = c.parent_id",
        columns="id n",
    )
    links = [u.link for u in analysis.uses if u.alias == "g"]
    assert links[0] is not None
    assert links[0].capture == ("id",)
    assert links[0].locate == (
        "SELECT repot_0.id AS id, repot_1.parent_id AS repot_link_1"
        " FROM public.products repot_0, public.categories repot_1"
        " WHERE repot_1.id = repot_0.category_id"
    )


def test_columns_equal_to_the_scope_need_no_lookup() -> None:
    analysis = run(
        "SELECT p.id, s.views, (SELECT count(*) AS count FROM public.favorites f"
        " WHERE (f.product_id = s.product_id)) AS n"
        " FROM public.products p LEFT JOIN public.stats s ON (s.product_id = p.id)",
        columns="id v n",
    )
    assert link_of(analysis, "stats") == (("product_id",), None)
    assert link_of(analysis, "favorites") == (("product_id",), None)
    assert use_of(analysis, "favorites").role is Role.GROUPED


def test_each_arm_has_its_own_uses_and_direct_columns() -> None:
    analysis = run(
        "SELECT p.id, p.title FROM public.products p"
        " UNION ALL SELECT k.id, upper(k.name::text) AS upper FROM public.packs k",
        columns="id title",
    )
    assert analysis.arms == 2
    assert [(u.arm, u.source.name) for u in analysis.uses] == [(0, "products"), (1, "packs")]
    assert analysis.outputs[1].direct == ((Name(schema_="public", name="products"), "title"), None)


def test_the_scope_is_what_the_driving_table_gives_of_the_key() -> None:
    split = "SELECT p.id, t.x FROM public.products p, LATERAL unnest(p.tags) t(x)"
    assert run(split, "id x").scope == ("id",)
    lines = (
        "SELECT c.id, p.id AS line FROM public.categories c"
        " JOIN public.products p ON p.category_id = c.id"
    )
    analysis = run(lines, "id line")
    assert analysis.scope == ("id", "line")  # products has both: its category_id is the first
    assert link_of(analysis, "products") == (("category_id", "id"), None)
    assert use_of(analysis, "products").role is Role.DRIVING
    declared = run(lines, "id line", scope=("id",), driving=("c",))
    assert declared.scope == ("id",)
    assert link_of(declared, "categories") == (("id",), None)


def test_the_scope_keeps_the_order_of_the_key() -> None:
    analysis = run("SELECT f.product_id AS p, f.user_id AS u FROM public.favorites f", "u p", "p u")
    assert analysis.scope == ("u", "p")
    assert link_of(analysis, "favorites") == (("user_id", "product_id"), None)


def test_a_constant_is_no_scope_of_a_move() -> None:
    sql = (
        "SELECT 'product'::text AS source, p.id FROM public.products p"
        " UNION ALL SELECT 'pack'::text AS source, k.id FROM public.packs k"
    )
    assert run(sql, "source id").scope == ("id",)
    refused = run(sql, "source id", scope=("source", "id"))
    assert [f.code for f in refused.findings] == ["scope-underivable"]


def test_a_registry_is_located_with_its_constants() -> None:
    analysis = run(
        "SELECT 'product'::text AS source, p.id, p.title FROM public.products p"
        " UNION ALL SELECT 'pack'::text AS source, k.id, k.name FROM public.packs k",
        "source id",
        "source id title",
        file="registry/slug.sql",
        scope=("source", "id"),
    )
    assert analysis.scope == ("source", "id")
    assert link_of(analysis, "packs") == (
        ("id",),
        "SELECT 'pack'::text AS source, repot_0.id AS id, repot_0.id AS repot_link_1"
        " FROM public.packs repot_0",
    )


def test_a_key_made_by_a_registry() -> None:
    """The registry gives the scope, and stays when the row goes: that is how the row is found."""
    analysis = run(
        "SELECT k.value AS id, p.title FROM public.products p"
        " JOIN repot_registry.key k ON k.id = p.id",
        columns="id title",
    )
    assert link_of(analysis, "key", "repot_registry") == (("value",), None)
    assert link_of(analysis, "products") == (
        ("id",),
        "SELECT repot_1.value AS id, repot_1.id AS repot_link_1 FROM repot_registry.key repot_1",
    )
    assert use_of(analysis, "products").role is Role.DRIVING
    assert use_of(analysis, "key", "repot_registry").role is Role.JOINED


def test_roles_where_rows_are_grouped() -> None:
    merged = run(
        "SELECT p.owner_id AS id, count(*) FROM public.products p GROUP BY p.owner_id",
        columns="id n",
    )
    assert use_of(merged, "products").role is Role.GROUPED
    kept = run(
        "SELECT p.id, count(f.at) FROM public.products p LEFT JOIN public.favorites f"
        " ON f.product_id = p.id LEFT JOIN public.stats s ON s.product_id = p.id"
        " GROUP BY p.id, s.views",
        columns="id n",
    )
    roles = [use_of(kept, t).role for t in ("products", "favorites", "stats")]
    assert roles == [Role.DRIVING, Role.GROUPED, Role.JOINED]
    told = run("SELECT DISTINCT p.owner_id AS id FROM public.products p")
    assert use_of(told, "products").role is Role.GROUPED


def test_tables_that_only_filter_have_no_pairs() -> None:
    analysis = run(
        "SELECT p.id FROM public.products p WHERE (EXISTS ( SELECT 1 FROM public.favorites f"
        " WHERE (f.product_id = p.id))) AND p.owner_id IN ( SELECT u.id FROM auth.users u)"
    )
    assert use_of(analysis, "favorites").role is Role.FILTER
    users = use_of(analysis, "users", "auth")
    assert (users.role, users.pairs) == (Role.FILTER, None)
    assert users.link is not None
    assert users.link.capture == ("id",)


def test_pairs_carry_the_source_key_up() -> None:
    simple = run("SELECT p.id, p.title FROM public.products p WHERE p.id > 3", columns="id t")
    assert use_of(simple, "products").pairs == (
        "SELECT p.id AS id, p.id AS repot_source_1 FROM public.products p WHERE p.id > 3"
    )
    grouped = run(
        "SELECT p.owner_id AS id, count(*) AS n FROM public.products p GROUP BY p.owner_id"
        " HAVING count(*) > 1",
        columns="id n",
    )
    assert use_of(grouped, "products").pairs == (
        "SELECT p.owner_id AS id, pg_catalog.unnest(pg_catalog.array_agg(p.id)"
        " FILTER (WHERE p.id IS NOT NULL)) AS repot_source_1 FROM public.products p"
        " GROUP BY p.owner_id HAVING count(*) > 1"
    )
    no_key = run("SELECT h.x AS id, h.y FROM public.heap h", columns="id y")
    assert use_of(no_key, "heap").pairs is None
    looked_at = run(
        "SELECT p.id FROM public.products p JOIN public.categories c ON c.id = p.category_id"
    )
    assert use_of(looked_at, "categories").pairs is None  # it gives no column


def test_direct_columns_are_copies_and_nothing_else() -> None:
    analysis = run(
        "WITH w(k, n) AS ( SELECT q.id, q.name FROM public.packs q)"
        " SELECT w.k, (w.n)::text AS n, (w.k)::text AS kt, (w.n)::character varying(5) AS short,"
        " CASE WHEN (w.k > 0) THEN w.k END AS maybe, COALESCE(w.k) AS one FROM w",
        "id",
        "id n kt short maybe one",
    )
    packs = Name(schema_="public", name="packs")
    assert [o.direct for o in analysis.outputs] == [
        ((packs, "id"),),
        ((packs, "name"),),
        (None,),
        (None,),
        (None,),
        (None,),
    ]


def test_text_and_varchar_are_compared_as_they_are() -> None:
    analysis = run(
        "SELECT p.id, r.id AS r FROM public.products p"
        " LEFT JOIN public.profiles r ON ((r.email)::text = p.title)",
        columns="id r",
    )
    assert link_of(analysis, "profiles")[0] == ("email",)


def test_the_columns_of_a_unique_key_are_enough() -> None:
    analysis = run(
        "SELECT p.id, r.id AS r FROM public.products p JOIN public.profiles r"
        " ON r.id = p.owner_id AND (r.email)::text = p.title",
        columns="id r",
    )
    assert link_of(analysis, "profiles")[0] == ("id",)


def test_functions_of_the_users_are_named() -> None:
    analysis = run(
        "SELECT p.id, app.f(p.id), lower(p.title) FROM public.products p", "id", "id a b"
    )
    assert analysis.functions == (Name(schema_="app", name="f"),)
