"""Partitioned tables: row by row, or partition by partition."""

from __future__ import annotations

import pytest

from support.caring import Care, codes
from support.sql import connect

GIVEN = {"table": "public.sale", "column": "at", "older_than": "400 days"}


@pytest.fixture
def sales(care: Care) -> Care:
    care.run(
        "create table buyer (id int primary key); insert into buyer select generate_series(1, 9);"
        "create table sale (id int, buyer int references buyer on delete cascade, at timestamptz not null, primary key (id, at)) partition by range (at);"
        "create index on sale (at);"
        "do $$ begin for n in 0..23 loop execute format('create table sale_%s partition of sale for values from (%L) to (%L)', n,"
        " date_trunc('month', now()) - n * interval '1 month', date_trunc('month', now()) - (n - 1) * interval '1 month'); end loop; end $$;"
        "insert into sale select n, 1 + n % 9, date_trunc('month', now()) - n * interval '5 hours' from generate_series(1, 3000) n"
    )
    return care


def both(care: Care) -> tuple[int, int]:
    return care.one("select count(*) from sale"), care.one("select count(*) from archive.sale")


def test_row_by_row(sales: Care) -> None:
    before = sales.rows("select * from sale order by 1")
    result = sales.call("archive", **GIVEN, chunk=200)
    live, archived = both(sales)
    assert (live + archived, archived) == (3000, result["figures"]["moved"])
    assert archived > 1000
    assert (
        sales.rows("select * from sale union all select * from archive.sale order by 1") == before
    )


def test_partition_by_partition(sales: Care) -> None:
    before = sales.rows("select * from sale order by 1")
    sales.run("grant select on all tables in schema public to anon")
    result = sales.call("archive", **GIVEN, partitions="detach")
    assert result["ok"], result
    live, archived = both(sales)
    assert (live + archived, archived) == (3000, result["figures"]["moved"])
    assert result["figures"]["chunks"] >= 9
    assert (
        sales.rows("select * from sale union all select * from archive.sale order by 1") == before
    )
    # A partition that is empty so far is not an old one.
    sales.run("insert into sale values (3001, 1, now())")
    # What is in a partition that is old in part stays.
    assert result["figures"]["left"] > 0
    assert sales.rows(
        "select count(*), count(*) filter (where c.relrowsecurity and n.nspname = 'archive' and not c.relacl::text like '%anon%')"
        " from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace"
        " where i.inhparent = 'archive.sale'::regclass"
    ) == [(result["figures"]["chunks"],) * 2]
    again = sales.call("archive", **GIVEN, partitions="detach")
    assert (again["figures"]["moved"], again["ok"]) == (0, True)
    sales.run("delete from buyer where id = 1")
    assert sales.one("select count(*) from archive.sale where buyer = 1") == 0


def test_a_partition_that_somebody_reads_waits(sales: Care) -> None:
    with connect(sales.dsn) as other, other.transaction():
        other.execute("select * from sale limit 1")
        result = sales.call("archive", **GIVEN, partitions="detach")
    assert codes(result) == ["archive-busy"]
    assert both(sales) if sales.one("select to_regclass('archive.sale')") else True
    assert sales.one("select count(*) from sale") == 3000
    assert sales.call("archive", **GIVEN, partitions="detach")["figures"]["moved"] > 1000


def test_partition_with_a_condition(sales: Care) -> None:
    """A row that does not meet it keeps its partition."""
    keep = sales.one("select min(id) from sale where at < now() - interval '500 days'")
    result = sales.call("archive", **GIVEN, partitions="detach", where=f"id <> {keep}")
    assert result["figures"]["moved"] > 0
    assert sales.one(f"select count(*) from sale where id = {keep}") == 1
    assert sum(both(sales)) == 3000
