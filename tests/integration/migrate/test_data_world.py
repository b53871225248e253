"""What pending statements do to each other: nothing that is mended before is reported, and what is
still wrong is."""

from __future__ import annotations

from pathlib import Path

import pytest

from repot.model.finding import Severity
from support.folders import examined, load, run, write

_T = "create table t (id int primary key, a text, b int); insert into t values (1, null, 1), (2, 'x', 2), (3, 'x', null);"
_SET = "alter table t alter column a set not null;"
_TWO = _T + "create table u (id int primary key, t_id int); insert into u values (1, 1), (2, 9);"
# What is set up, the pending files, and the codes that are told (infos aside).
CASES: dict[str, tuple[str, list[str], list[str]]] = {
    "filled by a literal": (_T, [f"update t set a = 'y' where a is null; {_SET}"], []),
    "filled in a file before": (_T, ["update t set a = coalesce(a, 'y');", _SET], []),
    "filled only in part": (
        _T + "insert into t values (4, null, 7);",
        [f"update t set a = 'y' where b = 1; {_SET}"],
        ["not-null-holds-nulls"],
    ),
    "filled by what cannot be seen through, then in part": (
        _T + "insert into t values (4, null, 7); create sequence s;",
        [f"update t set a = nextval('s')::text; update t set a = 'y' where b = 1; {_SET}"],
        [],
    ),
    "filled from another table": (
        _TWO,
        [f"update t set a = 'from ' || u.id from u where u.t_id = t.id; {_SET}"],
        [],
    ),
    "filled from another table, not all": (
        _TWO + "update t set a = null;",
        [f"update t set a = 'from ' || u.id from u where u.t_id = t.id; {_SET}"],
        ["not-null-holds-nulls"],
    ),
    "the rows are deleted": (_T, [f"delete from t where a is null; {_SET}"], []),
    "other rows are deleted": (
        _T,
        [f"delete from t where id = 2; {_SET}"],
        ["not-null-holds-nulls"],
    ),
    "deleted by USING": (_TWO, [f"delete from t using u where u.t_id = t.id; {_SET}"], []),
    "truncated": (_T, [f"truncate t; {_SET} alter table t add column z int not null;"], []),
    "a DO block that names it": (
        _T,
        [f"do $$ begin update t set a = 'y' where a is null; end $$; {_SET}"],
        [],
    ),
    "a DO block of another table": (
        _TWO,
        [f"do $$ begin update u set t_id = 1; end $$; {_SET}"],
        ["not-null-holds-nulls"],
    ),
    "a DO block with EXECUTE": (
        _T,
        [f"do $$ begin execute 'update ' || 't set a = 1'; end $$; {_SET}"],
        [],
    ),
    "a function is called": (
        _T + "create function mend() returns void language sql as 'update t set a = 1';",
        [f"select mend(); {_SET}"],
        [],
    ),
    "a function of the files is called": (
        _T,
        [
            "create function mend(x text) returns text language sql as 'select coalesce(x, ''y'')';"
            f" update t set a = mend(a); {_SET}"
        ],
        [],
    ),
    "PostgreSQL's own function is called": (
        _T + "create sequence s;",
        [f"select setval('s', 1); {_SET}"],
        ["not-null-holds-nulls"],
    ),
    "a trigger may mend it": (
        _T
        + "create function f() returns trigger language plpgsql as $$ begin new.a := 'y'; return new; end $$;"
        + "create trigger g before update on t for each row execute function f();",
        [f"update t set b = 3; {_SET}"],
        [],
    ),
    "renamed column": (
        _T,
        ["alter table t rename column a to c; alter table t alter column c set not null;"],
        ["not-null-holds-nulls"],
    ),
    "renamed table": (
        _T,
        ["alter table t rename to tt; alter table tt alter column a set not null;"],
        ["not-null-holds-nulls"],
    ),
    "moved to another schema": (
        _T + "create schema s;",
        ["alter table t set schema s; alter table s.t alter column a set not null;"],
        ["not-null-holds-nulls"],
    ),
    "another schema by search_path": (
        _T + "create schema s; create table s.t (a text); insert into s.t values ('x');",
        [f"set search_path = s; {_SET}"],
        [],
    ),
    "created by the files": (
        _T,
        [
            "create table n (a text); insert into n values (null); alter table n alter a set not null;"
        ],
        [],
    ),
    "dropped and created anew": (
        _T,
        ["create table k as select * from t; drop table t; create table t (a text);", _SET],
        [],
    ),
    "a primary key over NULLs": (
        "create table p (a int); insert into p values (null), (1);",
        ["alter table p add primary key (a);"],
        ["not-null-holds-nulls"],
    ),
    "a new column, with default": (
        _T,
        ["alter table t add column c int default 1; alter table t alter c set not null;"],
        [],
    ),
    "a new column, without": (
        _T,
        ["alter table t add column c int; alter table t alter c set not null;"],
        ["not-null-holds-nulls"],
    ),
    "a new column that the statement does not reach": (
        _T,
        ["alter table t add column c int; update t set c = b; alter table t alter c set not null;"],
        ["not-null-holds-nulls"],
    ),
    "an identity": (
        _T,
        ["alter table t add column n int not null generated always as identity;"],
        [],
    ),
    "a serial": (_T, ["alter table t add column n serial not null;"], []),
    "a generated column": (
        _T,
        ["alter table t add column g int not null generated always as (id + 1) stored;"],
        [],
    ),
    "a generated column that is unique": (
        "create table t (id int primary key, name text); insert into t values (1, 'A'), (2, 'a');",
        [
            "alter table t add column g text generated always as (lower(name)) stored;"
            " create unique index on t (g);"
        ],
        ["slug-collides"],
    ),
    "the column is there already": (
        _T + "alter table t add column c int not null default 1;",
        ["alter table t add column if not exists c int not null;"],
        [],
    ),
    "no rows": ("create table e (id int);", ["alter table e add column c int not null;"], []),
    "duplicates are removed by keeping the first": (
        _T,
        [
            "delete from t using t other where t.a = other.a and t.id > other.id;"
            " create unique index on t (a) where a is not null;"
        ],
        [],
    ),
    "unique over an expression": (
        "create table t (id int primary key, e text not null); insert into t values (1, 'A'), (2, 'a');",
        ["create unique index on t (lower(e));"],
        ["unique-duplicates"],
    ),
    "unique nulls not distinct": (
        "create table t (id int, a int); insert into t values (1, null), (2, null);",
        ["create unique index on t (a) nulls not distinct;"],
        ["unique-duplicates"],
    ),
    "a partial index leaves the duplicates out": (
        "create table t (id int, a int not null, live bool); insert into t values (1, 1, true), (2, 1, false);",
        ["create unique index on t (a) where live;"],
        [],
    ),
    "INSERT may bring more": (
        _T,
        ["insert into t values (9, 'y', 9);", _SET],
        ["not-null-holds-nulls"],
    ),
    "an upsert may have mended it": (
        _T,
        [f"insert into t values (1, 'y', 1) on conflict (id) do update set a = excluded.a; {_SET}"],
        [],
    ),
    "orphans, and the parents come": (
        _TWO,
        ["insert into t values (9, 'q', 1); alter table u add foreign key (t_id) references t;"],
        [],
    ),
    "orphans stay": (
        _TWO,
        [
            "alter table u add constraint f foreign key (t_id) references t (id) not valid;",
            "alter table u validate constraint f;",
        ],
        ["foreign-key-breaks"],
    ),
    "not validated": (
        _TWO,
        ["alter table u add foreign key (t_id) references t (id) not valid;"],
        [],
    ),
    "a check of today that is validated": (
        _T + "alter table t add constraint c check (b > 1) not valid;",
        ["alter table t validate constraint c;"],
        ["check-breaks"],
    ),
    "a check that NULL passes": (_T, ["alter table t add check (b > 0);"], []),
    "a column copied within its table": (
        _T,
        ["alter table t add column c text; update t set c = a; alter table t drop column a;"],
        [],
    ),
    "a column read only in a condition": (
        _T,
        [
            "alter table t add column c text; update t set c = 'k' where a is not null; alter table t drop column a;"
        ],
        ["dropped-column-holds-values"],
    ),
    "a column copied by a JSON of the row": (
        _T,
        ["create table k as select to_jsonb(t) from t; alter table t drop column a;"],
        [],
    ),
    "a column of NULLs": (_T + "update t set a = null;", ["alter table t drop column a;"], []),
    "a column renamed, then dropped": (
        _T,
        ["alter table t rename column a to old_a; alter table t drop column old_a;"],
        ["dropped-column-holds-values"],
    ),
    "dropped if it exists, and it does not": (
        _T,
        ["drop table if exists nothing; alter table t drop column if exists q;"],
        [],
    ),
    "text to integer without USING": (
        _T,
        ["alter table t alter column a type int;"],
        ["type-change-fails"],
    ),
    "text to integer with USING": (
        _T,
        ["alter table t alter column a type int using a::int;"],
        ["type-change-fails"],
    ),
    "text to integer, mended before": (
        _T,
        ["update t set a = '7'; alter table t alter column a type int using a::int;"],
        [],
    ),
    "bigint that is too large": (
        "create table t (id int primary key, n bigint); insert into t values (1, 5000000000), (2, 7);",
        ["alter table t alter column n type int;"],
        ["type-change-fails"],
    ),
    "bigint that fits": (
        "create table t (n bigint); insert into t values (7);",
        ["alter table t alter column n type int;"],
        [],
    ),
    "a time that becomes a date": (
        "create table t (id int primary key, w timestamp); insert into t values (1, '2026-01-01 10:00');",
        ["alter table t alter column w type date;"],
        ["type-change-loses"],
    ),
    "the same index under another method": (
        _T + "create index i on t (b);",
        ["create index j on t using hash (b);"],
        [],
    ),
    "the same index the other way round": (
        _T + "create index i on t (b);",
        ["create index j on t (b desc);"],
        [],
    ),
    "the index is dropped before": (
        _T + "create index i on t (b);",
        ["drop index i; create index j on t (b);"],
        [],
    ),
    "an index over an expression that is there": (
        _T + "create index i on t (lower(a));",
        ["create index j on t (lower(a));"],
        ["index-repeats"],
    ),
    "a key where there is a unique index": (
        _T + "create unique index i on t (b) where true; create unique index k on t (id, b);",
        ["create index j on t (id, b);"],
        ["index-repeats"],
    ),
    "uuid-ossp is not installed": (
        _T,
        ["update t set a = uuid_generate_v4()::text;"],
        ["extension-not-there"],
    ),
    "nothing to say": (_T, ["select 1;", "comment on table t is 'x';"], []),
}


@pytest.mark.parametrize("name", CASES)
def test_case(database: str, tmp_path: Path, name: str) -> None:
    setup, files, codes = CASES[name]
    load(database, setup)
    write(tmp_path / "m", files)
    found = examined(database, tmp_path / "m")
    told = [f.code for f in found if f.severity is not Severity.INFO]
    assert told == codes, found
    refused = {"not-null-holds-nulls", "unique-duplicates", "slug-collides", "foreign-key-breaks"}
    refused |= {"check-breaks", "type-change-fails", "extension-not-there"}
    sqlstate = run(database, "\n".join(files))
    if set(codes) & refused:
        assert sqlstate, "PostgreSQL took what the rules refuse"
    else:
        assert not sqlstate or name == "created by the files", sqlstate
