"""Views of many shapes over a few small tables, for the tests of the analysis."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

SCHEMA = """
create schema s;
create schema "sé";
create schema repot_registry;
create table s.a (id int primary key, x int, y int, t text, v varchar(9), tags text[], j jsonb,
  ids int[]);
create table s.b (id int primary key, x int, a_id int, v varchar(20), n int);
create table s.c (id bigint primary key, b_id int, name text);
create table s.d (id int primary key, c_id bigint, "B" int);
create table s.own (a_id int, b_id int, q int, primary key (a_id, b_id));
create table "sé"."Çà ""t" ("É d" int primary key, "select" int, "X %" text);
create table s.part (id int, k int, v int, primary key (id, k)) partition by list (k);
create table s.part_1 partition of s.part for values in (1, 2);
create table s.part_2 partition of s.part default;
create view s.v_a as select * from s.a;
create table s.log (id int primary key, a_id int, act text);
create table repot_registry.slug (source text, id int, value text not null unique,
  primary key (source, id));
create table repot_registry.num (id int primary key, value int not null unique);
"""

# Column names and what goes in them; an upper-case kind is never NULL.
TABLES: dict[str, list[tuple[str, str]]] = {
    "a": [
        ("id", "I"),
        ("x", "i"),
        ("y", "i"),
        ("t", "t"),
        ("v", "t"),
        ("tags", "tags"),
        ("j", "j"),
        ("ids", "ids"),
    ],
    "b": [("id", "I"), ("x", "i"), ("a_id", "i"), ("v", "t"), ("n", "i")],
    "c": [("id", "I"), ("b_id", "i"), ("name", "t")],
    "d": [("id", "I"), ("c_id", "i"), ("B", "i")],
    "own": [("a_id", "I"), ("b_id", "I"), ("q", "i")],
    'Çà "t': [("É d", "I"), ("select", "i"), ("X %", "t")],
    "part": [("id", "I"), ("k", "I"), ("v", "i")],
    "log": [("id", "I"), ("a_id", "i"), ("act", "t")],
    "slug": [("source", "S"), ("id", "I"), ("value", "V")],
    "num": [("id", "I"), ("value", "I")],
}


def random_row(table: list[tuple[str, str]], rng: random.Random) -> tuple[Any, ...]:
    return tuple(_value(kind, rng) for _, kind in table)


def _value(kind: str, rng: random.Random) -> Any:
    if kind.islower() and rng.random() < 0.15:
        return None
    if kind == "S":
        return rng.choice(["a", "b", "z"])
    if kind == "V":
        return f"v{rng.randrange(40)}"
    if kind == "t":
        return rng.choice(["p", "q", "r"])
    if kind == "tags":
        return [rng.choice("pqr") for _ in range(rng.randrange(3))]
    if kind == "ids":
        return [rng.randint(1, 4) for _ in range(rng.randrange(3))]
    if kind == "j":
        return json.dumps([rng.randint(1, 4) for _ in range(rng.randrange(3))])
    return rng.randint(1, 4)


@dataclass(frozen=True)
class Shape:
    """A view's SELECT and its key. `paired`: every row must appear in some use's pairs; `rounds`:
    how often to try at least, more where what could be missed is rare."""

    name: str
    sql: str
    key: tuple[str, ...] = ("id",)
    paired: bool = True
    rounds: int = 12


SHAPES = [
    Shape("one", "select id, t, x from a where x > 1"),
    Shape("join", "select a.id, a.t, b.v from a join b on b.id = a.x where b.n > 1"),
    Shape("left_join", "select a.id, a.t, b.v from a left join b on b.id = a.x and b.n > 1"),
    Shape("right_join", "select a.id, a.t, b.v from b right join a on b.id = a.x"),
    Shape(
        "chain",
        "select a.id, c.name, d.id as d from a join b on b.id = a.x join c on c.id = b.n"
        " join d on d.c_id = c.id",
        ("id",),
    ),
    Shape(
        "left_chain",
        "select a.id, c.name, d.id as d from a left join b on b.id = a.x left join c on c.id = b.n"
        " left join d on d.c_id = c.id",
    ),
    Shape(
        "left_of_join",
        "select a.id, b.v, c.name from a left join (b join c on c.b_id = b.id) on b.a_id = a.id"
        " and c.name <> 'p'",
    ),
    Shape(
        "on_of_preserved_side",
        "select a.id, a.t, b.v, c.name from a join c on c.id = a.y left join b on b.a_id = a.id"
        " and a.x = c.b_id",
    ),
    Shape("using", "select a.id, x, b.v from a join b using (x)"),
    Shape("left_using", "select a.id, x, b.v from a left join b using (x) join c on c.id = x"),
    Shape(
        "natural", "select * from (select id, x from a) a natural left join (select x, n from b) b"
    ),
    Shape("comma", "select a.id, b.v from a, b where a.x = b.id and a.id < 5"),
    Shape(
        "union_all",
        "select id, t, null::int as n from a union all"
        " select b.id, c.name, b.n from b left join c on c.id = b.x",
    ),
    Shape("union", "select x as id, t from a union select b.id, b.v from b"),
    Shape("group_by", "select x as id, count(*) n, max(t) t from a group by x"),
    Shape(
        "group_having",
        "select a.x as id, count(b.id) n from a left join b on b.a_id = a.id group by a.x"
        " having count(*) > 1",
    ),
    Shape(
        "group_by_key",
        "select a.id, a.t, sum(b.n) n from a left join b on b.a_id = a.id group by a.id",
    ),
    Shape(
        "grouped_subquery",
        "select a.id, g.n from a left join (select a_id, count(*) n from b where n > 1"
        " group by a_id having count(*) < 3) g on g.a_id = a.id",
    ),
    Shape(
        "grouped_join_in_subquery",
        "select a.id, g.n, g.c from a left join (select b.a_id, count(*) n, max(c.name) c from b"
        " join c on c.b_id = b.id group by b.a_id) g on g.a_id = a.id",
    ),
    Shape(
        "group_over_group",
        "select a.x as id, sum(g.n) n from a join (select a_id, count(*) n from b group by a_id) g"
        " on g.a_id = a.id group by a.x",
    ),
    Shape("correlated_count", "select id, (select count(*) from b where b.a_id = a.id) n from a"),
    Shape(
        "correlated_lookup",
        "select id, (select c.name from c join b on b.id = c.b_id where b.x = a.x"
        " order by c.id limit 1) n from a",
    ),
    Shape(
        "array_of", "select id, array(select b.n from b where b.a_id = a.id order by b.id) n from a"
    ),
    Shape(
        "exists", "select id, t from a where exists (select from b where b.a_id = a.id and n > 2)"
    ),
    Shape("not_exists", "select id, t from a where not exists (select from b where b.a_id = a.id)"),
    Shape("exists_shown", "select id, exists (select from b where b.a_id = a.x) e from a"),
    Shape("in_subquery", "select id, t from a where x in (select n from b where b.v <> 'p')"),
    Shape("in_pairs", "select id, t from a where (x, y) in (select n, a_id from b)"),
    Shape(
        "in_group",
        "select id, t from a where y = 1 or x in (select n from b group by n having count(*) > 1)",
    ),
    Shape(
        "nested_exists",
        "select id, t from a where exists (select from b where b.a_id = a.id and not exists"
        " (select from c where c.b_id = b.id and c.name = a.t))",
    ),
    Shape(
        "case_exists",
        "select id, case when exists (select from b where b.id = a.x) then 'b'"
        " when a.y in (select c.b_id from c) then 'c' else a.t end k from a",
    ),
    Shape(
        "unnest",
        "select a.id, u.tag, count(*) n from a, unnest(a.tags) u(tag) group by 1, 2",
        ("id", "tag"),
    ),
    Shape(
        "unnest_left_ordinality",
        "select a.id, u.n, u.tag from a left join lateral unnest(a.tags) with ordinality u(tag, n)"
        " on true",
        ("id", "n"),
    ),
    Shape(
        "jsonb_lookup",
        "select a.id, e.o, b.v from a, jsonb_array_elements_text(a.j) with ordinality e(x, o)"
        " left join b on b.id = e.x::int",
        ("id", "o"),
    ),
    Shape(
        "array_lookup",
        "select a.id, u.x, b.v from a cross join lateral unnest(a.ids) u(x) join b on b.id = u.x",
        ("id", "x"),
    ),
    Shape(
        "array_any",
        "select a.id, b.id as b_id, b.v from a join b on b.id = any (array[a.x, a.y])",
        ("id", "b_id"),
    ),
    Shape("unnest_in_select", "select id, unnest(tags) tag, t from a", ("id", "tag")),
    Shape(
        "cte",
        "with g as (select x, count(*) n from b group by x), h(k, m) as (select x, n from g)"
        " select a.id, h.m, g.n from a left join h on h.k = a.x left join g on g.x = a.y",
    ),
    Shape(
        "cte_chain",
        "with p as (select * from b where n > 1), q as (select p.a_id, c.name from p join c on"
        " c.b_id = p.id) select a.id, q.name from a join q on q.a_id = a.id",
        ("id",),
    ),
    Shape(
        "self_join",
        "select a.id, p.t as parent, q.t as grand from a left join a p on p.id = a.x"
        " left join a q on q.id = p.x",
    ),
    Shape("self_count", "select id, t, (select count(*) from a k where k.x = a.id) n from a"),
    Shape(
        "coalesced_key",
        "select a.id, b.v from a left join c on c.id = a.x join b on b.id = coalesce(c.b_id, a.y)",
    ),
    Shape(
        "case_key",
        "select a.id, b.v from a left join b on b.id = case when a.t = 'p' then a.x else a.y end",
    ),
    Shape("computed_key", "select a.id, b.v from a left join b on b.id = a.x + 1"),
    Shape(
        "text_and_varchar",
        "select a.id, b.n from a left join b on b.v = a.v left join c on c.name = a.v",
    ),
    Shape("int_and_bigint", "select a.id, c.name from a left join c on c.id = a.x"),
    Shape(
        "registry",
        "select a.id, s.value from a left join repot_registry.slug s on s.source = 'a'"
        " and s.id = a.id union all select b.id, s.value from b"
        " left join repot_registry.slug s on s.source = 'b' and s.id = b.id",
    ),
    Shape(
        "registry_key",
        "select n.value as id, l.act, m.value as other from log l"
        " join repot_registry.num n on n.id = l.id left join repot_registry.num m on m.id = l.a_id",
    ),
    Shape("constant_lookup", "select a.id, b.v from a left join b on b.id = 3"),
    Shape(
        "constant_then_lookup",
        "select a.id, c.name from a left join b on b.id = 3 left join c on c.b_id = b.x",
    ),
    Shape(
        "composite",
        "select o.a_id, o.b_id, o.q, a.t from own o join a on a.id = o.a_id",
        ("a_id", "b_id"),
    ),
    Shape(
        "composite_swapped",
        "select b.id as b_id, a.id as a_id, o.q from own o join a on a.id = o.a_id"
        " join b on b.id = o.b_id",
        ("b_id", "a_id"),
    ),
    Shape(
        "composite_lookup",
        'select d.id, o.q from d join c on c.id = d.c_id left join own o on o.a_id = d."B"'
        " and o.b_id = c.b_id",
    ),
    Shape("lines", "select a.id, b.id as line, b.n from a join b on b.a_id = a.id", ("id", "line")),
    Shape(
        "quoted",
        'select z."É d" as "Ï", z."X %", y."select" as "order" from "sé"."Çà ""t" z'
        ' left join "sé"."Çà ""t" y on y."É d" = z."select"',
        ("Ï",),
    ),
    Shape(
        "partitioned",
        "select p.id, p.k, p.v, a.t from part p left join a on a.id = p.v",
        ("id", "k"),
    ),
    Shape("distinct", "select distinct x as id, t from a"),
    Shape(
        "distinct_on",
        "select distinct on (a.x) x as id, a.id as first, t from a order by a.x, a.id",
    ),
    Shape(
        "distinct_on_subquery",
        "select a.id, l.n, c.name from a left join (select distinct on (a_id) a_id, n from b"
        " order by a_id, id) l on l.a_id = a.id left join c on c.id = l.n",
    ),
    Shape(
        "window",
        "select id, x, row_number() over (partition by x order by id) r from a",
        ("x", "r"),
    ),
    Shape(
        "lateral_top",
        "select a.id, l.n, c.name from a left join lateral (select b.n, b.x from b"
        " where b.a_id = a.id order by b.n desc nulls last, b.id limit 1) l on true"
        " left join c on c.id = l.x",
    ),
    Shape(
        "lateral_all",
        "select a.id, l.id as b_id, l.name from a cross join lateral (select b.id, c.name from b"
        " left join c on c.b_id = b.id and c.name = a.t where b.a_id = a.id) l",
        ("id", "b_id"),
    ),
    Shape(
        "union_in_from",
        "select u.id, u.t, c.name from (select id, t, x from a union all select id, v, n from b) u"
        " left join c on c.id = u.x",
    ),
    Shape(
        "union_grouped",
        "select k as id, sum(n) n from (select x k, y n from a union all select x, n from b) u"
        " group by k",
    ),
    Shape(
        "union_looked_up",
        "select a.id, u.n from a left join (select a_id, n from b union select c.b_id, 7 from c) u"
        " on u.a_id = a.id",
    ),
    Shape(
        "full_join",
        "select coalesce(a.id, b.a_id) id, a.t, b.v from a full join b on b.a_id = a.id",
    ),
    Shape("full_using", "select id, a.t, b.v from a full join b using (id)"),
    Shape(
        "values",
        "select v.k, v.name, (select count(*) from a where a.t = v.k) n"
        " from (values ('p', 1), ('q', 2)) v(k, name)",
        ("k",),
        paired=False,
    ),
    Shape(
        "values_between",
        "select a.id, c.name from a left join (values ('p', 1), ('q', 2)) m(t, to_id) on m.t = a.t"
        " left join c on c.id = m.to_id",
    ),
    Shape(
        "whole_row",
        "select a.id, to_jsonb(b.*) as whole from a left join b on b.id = a.x",
    ),
    Shape(
        "join_alias",
        "select j.id, j.v from (a join b on b.a_id = a.id) as"
        " j(id, x, y, t, av, tags, jj, ids, b_id, bx, a_id, v)",
    ),
    Shape(
        "scalar_lookup_key",
        "select a.id, c.name from a left join c on c.id = (select b.n from b where b.id = a.x)",
    ),
    Shape(
        "right_join_and_constant",
        "select a.id, b.v, c.name from b right join a on b.a_id = a.id left join c on c.id = 3",
    ),
    Shape(
        "union_with_constant",
        "select b.a_id as id, c.name from (select id as f from a union all select 4) u"
        " join b on b.a_id = u.f left join c on c.id = 3",
        rounds=150,
    ),
    Shape(
        "full_join_and_constant",
        "select coalesce(a.id, b.a_id) id, a.t, c.name from a full join b on b.a_id = a.id"
        " left join c on c.id = 3",
    ),
    Shape(
        "array_of_keys",
        "select a.id, b.id as b_id, b.v from a join b on b.id = any (a.ids)",
        ("id", "b_id"),
    ),
    Shape(
        "array_of_keys_counted",
        "select a.id, (select count(*) from b where b.id = any (a.ids)) n from a",
    ),
    Shape(
        "json_table",
        "select a.id, t.o, b.v from a, json_table(a.j, '$[*]' columns (o for ordinality,"
        " x int path '$')) t left join b on b.id = t.x",
        ("id", "o"),
    ),
    Shape(
        "rows_from",
        "select a.id, r.n, b.v from a, rows from (unnest(a.ids), unnest(a.tags)) with ordinality"
        " r(x, tag, n) left join b on b.id = r.x and b.v = r.tag",
        ("id", "n"),
    ),
    Shape("row_equality", "select a.id, b.v from a join b on (b.a_id, b.n) = (a.x, a.y)"),
    Shape("row_shown", "select a.id, row(b.n, b.v)::text r from a left join b on b.id = a.x"),
    Shape(
        "string_agg_of_in",
        "select a.id, (select string_agg(b.v, ',' order by b.v, b.id) from b"
        " where b.a_id = a.id and b.n in (select c.b_id from c where c.name = a.t)) v from a",
    ),
    Shape("equal_keys", "select a.id, b.x as other from a join b on b.x = a.id", ("id", "other")),
    Shape("constant_of_driver", "select a.id, b.v from a join b on b.id = a.x where a.t = 'p'"),
    Shape(
        "constants_of_arms",
        "select a.id, 'p' as kind, b.v from a join b on b.id = a.x where a.t = 'p' union all"
        " select a.id, 'q', c.name from a left join c on c.b_id = a.y where a.t = 'q'"
        " union all select d.id, 'd', c.name from d join c on c.id = d.c_id and c.name = 'r'",
        ("kind", "id"),
        rounds=30,
    ),
    Shape("filter_clause", "select x as id, count(*) filter (where t = 'p') n from a group by x"),
]


@dataclass(frozen=True)
class Refusal:
    """A view of which something cannot be followed: the finding's code and what it is about."""

    name: str
    sql: str
    code: str
    about: str
    key: tuple[str, ...] = ("id",)


REFUSALS = [
    Refusal("not_in", "select id from a where x not in (select n from b)", "link-underivable", "b"),
    Refusal("in_shown", "select id, x in (select n from b) from a", "link-underivable", "b"),
    Refusal(
        "in_coalesced",
        "select id from a where coalesce(x in (select n from b), true)",
        "link-underivable",
        "b",
    ),
    Refusal("all_of", "select id from a where x > all (select n from b)", "link-underivable", "b"),
    Refusal("uncorrelated", "select id, (select max(n) from b) m from a", "link-underivable", "b"),
    Refusal("cross_join", "select a.id, b.v from a cross join b", "link-underivable", "b"),
    Refusal("less_than", "select a.id, b.v from a join b on b.n < a.x", "link-underivable", "b"),
    Refusal(
        "either",
        "select a.id, b.v from a join b on b.n = a.x or b.v = a.t",
        "link-underivable",
        "b",
    ),
    Refusal(
        "negated", "select a.id, b.v from a join b on not (b.n = a.x)", "link-underivable", "b"
    ),
    Refusal(
        "only_the_preserved_side",
        "select a.id, c.name from a cross join c left join b on b.id = 1 and c.b_id = a.x",
        "link-underivable",
        "c",
    ),
    Refusal(
        "not_distinct",
        "select a.id, b.v from a join b on b.n is not distinct from a.x",
        "link-underivable",
        "b",
    ),
    Refusal(
        "cast_on_its_side",
        "select a.id, b.v from a left join b on b.id::text = a.t",
        "link-underivable",
        "b",
    ),
    Refusal(
        "null_made_something",
        "select a.id, c.name from a left join b on b.id = a.x"
        " join c on c.id = coalesce(b.n, 0) + 1",
        "link-underivable",
        "c",
    ),
    Refusal(
        "one_of_unknown",
        "select a.id, b.v from a join b on b.id = any (array[a.x, (select max(c.b_id) from c"
        " where c.b_id = a.id)])",
        "link-underivable",
        "b",
    ),
    Refusal(
        "aggregated_value",
        "select a.id, c.name from a left join c on c.id = (select min(n) from b where a_id = a.id)",
        "link-underivable",
        "c",
    ),
    Refusal(
        "limit_below",
        "select a.id, g.n from a left join (select a_id, n from b order by id limit 3) g"
        " on g.a_id = a.id",
        "link-underivable",
        "b",
    ),
    Refusal(
        "window_below",
        "select a.id, g.r from a left join (select a_id, row_number() over (order by id) r"
        " from b) g on g.a_id = a.id",
        "link-underivable",
        "b",
    ),
    Refusal(
        "group_below",
        "select a.id, g.m from a left join (select max(a_id) m, x from b group by x) g"
        " on g.m = a.id",
        "link-underivable",
        "b",
    ),
    Refusal(
        "rollup_below",
        "select a.id, g.n from a left join (select a_id, count(*) n from b"
        " group by rollup (a_id)) g on g.a_id = a.id",
        "link-underivable",
        "b",
    ),
    Refusal("limit", "select id, t from a order by id limit 3", "scope-underivable", "a"),
    Refusal(
        "window", "select id, row_number() over (order by id) r from a", "scope-underivable", ""
    ),
    Refusal("aggregate_key", "select min(id) as id, x from a group by x", "scope-underivable", ""),
    Refusal("computed_key", "select id + 1 as id, x from a", "scope-underivable", ""),
    Refusal(
        "arms_apart",
        "select id, t from a union all select n + 1, v from b",
        "scope-underivable",
        "",
    ),
    Refusal("intersect", "select id from a intersect select id from b", "view-underivable", ""),
    Refusal("except", "select id from a except select id from b", "view-underivable", ""),
    Refusal(
        "recursive",
        "with recursive r as (select id, x from a union all select a.id, a.x from a"
        " join r on r.id = a.x) select id, x from r",
        "view-underivable",
        "",
    ),
    Refusal("a_view", "select id from v_a", "view-underivable", ""),
    Refusal("a_partition", "select id, k from part_1", "view-underivable", "", ("id", "k")),
    Refusal("a_sample", "select id from a tablesample system (50)", "view-underivable", ""),
    Refusal("row_number", "select id, ctid from a", "view-underivable", ""),
]
