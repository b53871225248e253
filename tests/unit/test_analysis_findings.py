"""What the analysis refuses or warns of, and what it tells the user to do."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from repot.model.finding import Severity
from repot.model.names import Name
from repot.model.plan import Role
from repot.model.project import MoveSetting
from repot.moves.analysis import Analysis, analyse, ast
from support.described import table

TABLES = {
    t.name: t
    for t in (
        table("a", ["id", "x", "t:text", "c:public.citext", "n~:text", "r:real", "b:character(3)"]),
        table("b", ["id", "x", "t:text", "c:public.citext", "n~:text", "d:double precision"]),
        table("u", ["id:uuid", "x"], schema="auth"),
        table("pad", ["id", "b:character(5)", "same:character(3)"]),
        table("big", ["id:bigint", "low^:text"]),
        table("v", ["id"], kind="v"),
        table("part_1", ["id"], parent=Name(schema_="public", name="part")),
    )
}


def run(sql: str, key: str = "id", file: str = "moves/packs.sql", **setting: Any) -> Analysis:
    columns = [f"c{i}" for i in range(1, 6)]
    names = [*key.split(), *columns]
    width = sql.split(" FROM ")[0].count(",") + 1
    return analyse(
        sql,
        tables=TABLES,
        key=tuple(key.split()),
        columns=tuple(names[:width]),
        setting=MoveSetting.model_validate(setting),
        file=file,
        default_schema="public",
    )


def codes(analysis: Analysis) -> list[str]:
    return [f.code for f in analysis.findings]


CROSS = "SELECT a.id FROM public.a a CROSS JOIN public.b b"


def test_the_hint_is_the_setting_that_settles_it() -> None:
    (finding,) = run(CROSS).findings
    assert finding.object == "b"
    assert finding.file == "moves/packs.sql"
    setting = tomllib.loads(finding.hint.split("\n", 1)[1])
    (link,) = setting["move"]["packs"]["link"]
    assert (link["table"], link["columns"]) == ("b", ["id"])
    assert "repot_link_1" in link["keys"]


def test_the_hint_names_other_files_and_schemas_as_the_setting_does() -> None:
    cross = "SELECT a.id FROM public.a a CROSS JOIN auth.u u"
    (finding,) = run(cross, file='back/Ça "t.sql').findings
    setting = tomllib.loads(finding.hint.split("\n", 1)[1])
    assert setting["back"]['Ça "t']["link"][0]["table"] == "auth.u"


def test_a_declared_link_settles_it() -> None:
    keys = "select a.id, a.x as repot_link_1 from a"
    analysis = run(CROSS, link=[{"table": "b", "columns": ["id"], "keys": keys}])
    assert codes(analysis) == []
    link = analysis.uses[1].link
    assert link is not None
    assert (link.capture, link.locate) == (("id",), keys)


def test_a_declared_link_replaces_a_derived_one() -> None:
    joined = "SELECT a.id FROM public.a a JOIN public.b b ON b.id = a.x"
    analysis = run(joined, link=[{"table": "public.b", "columns": ["x"]}])
    assert [u.link and (u.link.capture, u.link.locate) for u in analysis.uses] == [
        (("id",), None),
        (("x",), None),
    ]


def test_a_table_that_only_a_function_reads_may_be_declared() -> None:
    analysis = run("SELECT a.id FROM public.a a", link=[{"table": "auth.u", "columns": ["x"]}])
    assert codes(analysis) == []
    assert analysis.uses[1].source == Name(schema_="auth", name="u")
    assert analysis.uses[1].role is Role.FILTER


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ({"table": "nowhere", "columns": ["id"]}, "link-unknown-table"),
        ({"table": "b", "columns": ["id", "y"]}, "link-unknown-column"),
        ({"table": "b", "columns": ["id"], "keys": "delete from b"}, "link-keys-unreadable"),
        ({"table": "b", "columns": ["id"], "keys": "select ("}, "link-keys-unreadable"),
        ({"table": "b", "columns": ["id", "x"]}, "link-not-the-scope"),
        (
            {"table": "b", "columns": ["id"], "keys": "select a.id, a.x from a"},
            "link-keys-columns",
        ),
        (
            {"table": "b", "columns": ["id"], "keys": "select id as repot_link_1, id from a"},
            "link-keys-columns",
        ),
        (
            {"table": "b", "columns": ["id"], "keys": "select x, id as repot_link_1 from public.b"},
            "link-reads-itself",
        ),
    ],
)
def test_wrong_declared_links_are_named(link: dict[str, Any], code: str) -> None:
    analysis = run(CROSS, link=[link])
    assert code in codes(analysis)
    finding = next(f for f in analysis.findings if f.code == code)
    assert finding.file == "repot.toml"
    assert finding.hint


def test_wrong_scopes_and_drivers_are_named() -> None:
    assert codes(run("SELECT a.id, a.x FROM public.a a", scope=("x",))) == ["scope-not-of-key"]
    two = run("SELECT a.id FROM public.a a", driving=("a", "b"))
    assert codes(two) == ["driving-mismatch"]
    assert codes(run(CROSS, driving=("c",))) == ["driving-unknown"]
    assert run(CROSS, driving=("public.a",)).scope == ("id",)


def test_equalities_that_do_not_mean_the_same_value_are_not_used() -> None:
    for condition, why in [
        ("b.n = a.n", "="),  # a nondeterministic collation
        ("b.t = a.n", "another type"),
        ("b.c OPERATOR(public.=) a.c", "="),
        ("b.d = a.r", "another type"),
        ("(b.id)::text = a.t", "cast"),
        ('b.t = (a.t COLLATE pg_catalog."x")', "="),
        ("b.t = lower(a.n)", "="),
    ]:
        analysis = run(f"SELECT a.id FROM public.a a JOIN public.b b ON ({condition})")
        assert codes(analysis) == ["link-underivable"], condition
        assert why in analysis.findings[0].message, condition


def test_padded_text_is_compared_at_one_length_only() -> None:
    join = "SELECT a.id FROM public.a a JOIN public.pad p ON ({})"
    assert codes(run(join.format("p.b = a.b"))) == ["link-underivable"]
    assert codes(run(join.format("p.same = a.b"))) == []


def test_types_whose_equal_values_differ_are_not_grouped_by() -> None:
    """Of 'A' and 'a' one stands for both: a change of the other is not found by its value."""
    for sql in (
        "SELECT a.c AS id FROM public.a a GROUP BY a.c",
        "SELECT DISTINCT a.c AS id FROM public.a a",
        "SELECT DISTINCT ON (a.c) a.c AS id FROM public.a a ORDER BY a.c, a.id",
        "SELECT a.c AS id FROM public.a a UNION SELECT b.c FROM public.b b",
        "SELECT a.n AS id FROM public.a a GROUP BY a.n",
    ):
        assert codes(run(sql)) == ["scope-underivable"], sql
    assert codes(run("SELECT a.c AS id FROM public.a a")) == []
    using = run("SELECT a.id FROM public.a a JOIN public.b b USING (c)")
    assert codes(using) == ["link-underivable"]  # whose = USING means is not printed


def test_generated_columns_are_not_logged() -> None:
    """A trigger sees NULL in a virtual one (tried on PostgreSQL 18)."""
    joined = run("SELECT a.id FROM public.a a JOIN public.big g ON g.low = a.t")
    assert codes(joined) == ["link-underivable"]
    assert "low is a generated column" in joined.findings[0].message
    keyed = run("SELECT g.low AS id FROM public.big g")
    assert codes(keyed) == ["scope-underivable"]
    assert "low is a generated column" in keyed.findings[0].message
    read = run(
        "SELECT a.id, b.id AS b FROM public.a a JOIN public.big g ON g.id = a.x"
        " JOIN public.b b ON b.t = g.low"
    )
    assert codes(read) == []  # b is found by what g holds, not by what was logged of g


def test_a_wider_integer_is_looked_up_and_not_taken_for_the_scope() -> None:
    analysis = run("SELECT a.id FROM public.a a LEFT JOIN public.big g ON g.id = a.id")
    link = analysis.uses[1].link
    assert link is not None
    assert link.locate == (
        "SELECT repot_0.id AS id, repot_0.id AS repot_link_1 FROM public.a repot_0"
    )
    constant = run(  # what must know all scopes asks a, not the wider g to its left
        "SELECT a.id FROM public.big g JOIN public.a a ON a.id = g.id"
        " LEFT JOIN public.b b ON b.id = 3"
    )
    asked = constant.uses[2].link
    assert asked is not None
    assert asked.locate == "SELECT repot_1.id AS id, 3 AS repot_link_1 FROM public.a repot_1"
    narrow = run("SELECT g.id FROM public.big g LEFT JOIN public.a a ON a.id = g.id")
    assert narrow.uses[1].link is not None
    assert narrow.uses[1].link.locate is None


def test_a_table_that_is_not_followed_is_never_overlooked() -> None:
    hidden = run(
        "SELECT a.id FROM public.a a LEFT JOIN ( SELECT b.id FROM public.b b UNION ALL"
        " SELECT 7 LIMIT ( SELECT max(u.x) FROM auth.u u)) s ON s.id = a.id"
    )
    assert codes(hidden) == ["view-underivable"]


def test_what_is_no_table_is_refused() -> None:
    for name in ("v", "part_1", "nowhere"):
        analysis = run(f"SELECT x.id FROM public.{name} x")
        assert codes(analysis) == ["view-underivable"]
        assert name in analysis.findings[0].message
        assert analysis.uses == ()


def test_what_cannot_be_read_is_refused() -> None:
    deep = "SELECT " + "(" * 200 + "1" + "+1)" * 200 + " AS id FROM public.a a"
    assert codes(run(deep)) == ["view-underivable"]
    assert "deep" in run(deep).findings[0].message
    assert codes(run("SELECT nothing.id FROM public.a a")) == ["view-underivable"]


def test_names_of_a_subquery_do_not_leak() -> None:
    leaking = run("SELECT s.id FROM (SELECT a.id FROM public.a a) s WHERE a.x = 1")
    assert codes(leaking) == ["view-underivable"]


def test_a_subquery_in_from_does_not_see_its_neighbours() -> None:
    """`a.x` in it is the outer a, not the b beside it that is called a too."""
    analysis = run(
        "SELECT a.id FROM public.a a WHERE EXISTS ( SELECT 1 FROM public.b a,"
        " (SELECT u.x FROM auth.u u WHERE u.x = a.x) s WHERE a.id = s.x)"
    )
    links = [u.link for u in analysis.uses if u.source.name == "u"]
    assert links[0] is not None
    assert links[0].locate == (
        "SELECT repot_0.id AS id, repot_0.x AS repot_link_1 FROM public.a repot_0"
    )


def test_a_statement_that_the_parser_prints_otherwise_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    joined = "SELECT a.id FROM public.a a JOIN public.b b ON b.id = a.x"
    assert codes(run(joined)) == []
    monkeypatch.setattr(ast, "_deparse", lambda tree: "SELECT 1 FROM public.a")
    analysis = run(joined)
    assert codes(analysis) == ["rows-not-counted", "link-underivable"]
    assert [u.pairs for u in analysis.uses] == [None, None]
    assert analysis.uses[1].link is None


def test_a_table_compared_with_constants_touches_everything() -> None:
    analysis = run("SELECT a.id FROM public.a a LEFT JOIN public.b b ON (b.t = 'x'::text)")
    assert codes(analysis) == ["link-touches-all"]
    assert analysis.findings[0].severity is Severity.WARNING
    link = analysis.uses[1].link
    assert link is not None
    assert link.locate == (
        "SELECT repot_0.id AS id, 'x'::text AS repot_link_1 FROM public.a repot_0"
    )


@pytest.mark.parametrize(
    ("value", "ordered"),
    [
        ("array_agg(a.t)", "array_agg(a.t ORDER BY a.t)"),
        (
            "(SELECT b.x FROM public.b b WHERE b.id = a.id LIMIT 1)",
            "(SELECT b.x FROM public.b b WHERE b.id = a.id ORDER BY b.t LIMIT 1)",
        ),
        (
            "ARRAY(SELECT b.x FROM public.b b WHERE b.id = a.id)",
            "ARRAY(SELECT b.x FROM public.b b WHERE b.id = a.id ORDER BY b.x)",
        ),
        (
            "(SELECT json_agg(q.x) FROM (SELECT b.x FROM public.b b WHERE b.id = a.id) q)",
            "(SELECT json_agg(q.x) FROM (SELECT b.x FROM public.b b WHERE b.id = a.id"
            " ORDER BY b.t) q)",
        ),
    ],
)
def test_rows_taken_in_no_order_are_warned_of(value: str, ordered: str) -> None:
    select = "SELECT a.id, ({}) AS v FROM public.a a{}"
    group = " GROUP BY a.id" if value.startswith("array_agg") else ""
    analysis = run(select.format(value, group))
    assert codes(analysis) == ["order-undefined"]
    assert analysis.findings[0].severity is Severity.WARNING
    assert codes(run(select.format(ordered, group))) == []


def test_findings_come_all_at_once() -> None:
    analysis = run("SELECT a.id FROM public.a a CROSS JOIN public.b b CROSS JOIN auth.u u")
    assert [f.object for f in analysis.findings] == ["b", "auth.u"]


def test_the_same_finding_comes_once() -> None:
    twice = "SELECT a.id FROM public.a a CROSS JOIN public.b b CROSS JOIN public.b c"
    assert codes(run(twice)) == ["link-underivable"]
