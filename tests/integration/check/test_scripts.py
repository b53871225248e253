"""Scripts: what they may hold, how they are rolled back, and that what cannot be run has failed."""

from __future__ import annotations

import pytest

from support.checking import Check, failed
from support.sql import connect, rows

REFUSED = {
    "commit": (
        "-- expect: a\nselect 1 where false;\ncommit;",
        "line 3: begins or ends a transaction",
    ),
    "savepoint": ("savepoint a;\n-- expect: a\nselect 1 where false", "line 1: begins or ends"),
    "copy": ("copy profiles from stdin;", "line 1: COPY from or to the client is psql's"),
    "nothing expected": ("select 1;", "expects nothing"),
    "nothing at all": ("-- expect: a\n", "line 1: expects something, and no statement follows"),
    "empty": ("-- to be written\n", "holds no statement"),
    "no SQL": ("select 1;\nselct 2;", 'line 2: is not SQL: syntax error at or near "selct"'),
    "misspelt": ("-- expects: none\nselect 1", "line 1: write `-- expect: …`"),
    "no colon": ("-- expect error 23505\nselect 1", "line 1: write `-- expect: …`"),
    "unknown error": ("-- expect error: oops\nselect 1", "line 1: 'oops' is no SQLSTATE"),
    "two of them": ("-- expect: a\n-- expect: b\nselect 1", "line 2: one expectation"),
    "behind": ("select 1; -- expect: a\nselect 2", "line 1: an expectation stands on a line"),
    "within": ("select 1\n-- expect: a\nwhere false", "line 2: an expectation stands before"),
    "no rows to look at": ("-- expect: a\ncreate table late ()", "line 2: it returns nothing"),
    "takes too long": ("-- expect: a\nselect pg_sleep(60)", "statement timeout (57014)"),
    "another error": (
        "-- expect error: 23505: once\nselect 1 / 0",
        "line 2: it must fail with 23505 (once), and says: division by zero (22012)",
    ),
    "no such role": (
        "set local role nobody_at_all;\n-- expect: a\nselect 1",
        'role "nobody_at_all"',
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_script_that_cannot_be_run_has_failed(system: str, check: Check, name: str) -> None:
    script, reason = REFUSED[name]
    checks = 'schema = "public"\nstatement_timeout_ms = 200'
    code, document = check(system, checks=checks, feature=script)
    found = failed(document)
    assert [kind for kind, _ in found] == ["feature"]
    assert reason in found[0][1]
    assert code == 1


GOOD = """/* Everything a script may do;
   -- expect: nothing of a comment
*/
select set_config('check.user', gen_random_uuid()::text, true); select '-- expect: not this';
/* more */ -- and more
-- Expect: é comes first
select 1 where 'é' = '%s'; -- nothing of it
do $$ begin insert into auth.users values (current_setting('check.user')::uuid, '%'); end $$;
create temporary table seen on commit drop as select * from profiles;
-- expect error: 23514
update profiles set credits = -1;
-- expect: the row is as it was
select * from profiles where credits <> 0;
create table "of the script" (id int);
set local role check_user;
-- expect: row security holds
select * from profiles where id::text <> current_setting('check.user');
select set_config('check.user', '', true);
-- expect: and sees nothing without a name
select * from profiles;
reset role;
-- expect: bare names are those of the schema
select 1 where current_schema() <> 'public'
"""


def test_what_a_script_may_do_and_that_it_is_undone(system: str, check: Check) -> None:
    code, document = check(system, feature=GOOD)
    assert failed(document) == []
    assert code == 0
    assert document["checks"][-1]["name"] == "credits: Everything a script may do;"
    assert document["checks"][-1]["expectations"] == 6
    assert rows(system, "select to_regclass('\"of the script\"'), count(*) from auth.users") == [
        (None, 0)
    ]


def test_a_lock_is_waited_for_shortly(system: str, check: Check) -> None:
    checks = 'schema = "public"\nlock_timeout_ms = 50'
    with connect(system) as held, held.transaction():
        held.execute("lock table auth.users")
        code, document = check(system, checks=checks)
    assert code == 1
    (_, why), *rest = failed(document)
    assert "lock timeout (55P03)" in why
    assert not rest


def test_row_security_holds_from_the_first_statement(system: str, check: Check) -> None:
    script = "-- expect: on\nselect 1 where current_setting('row_security') <> 'on'"
    assert check(system, feature=script)[0] == 0


def test_each_script_has_a_session_of_its_own(system: str, check: Check) -> None:
    script = "prepare own as select 1; select pg_advisory_lock(7);\n-- expect: none\nselect 1 where false"
    again = "-- expect: nothing prepared\nselect name from pg_prepared_statements;"
    again += "\n-- expect: no lock\nselect 1 from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"
    code, document = check(system, feature=script, **{"features/other.sql": again})
    assert (code, failed(document)) == (0, [])
