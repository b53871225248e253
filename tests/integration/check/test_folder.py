"""The folder: what must be in it, and what is said where it cannot be read."""

from __future__ import annotations

from support.checking import CHECKS, Check, failed
from support.project import repot, write
from support.sql import run


def test_no_check_is_no_success(system: str, check: Check, tmp_path) -> None:  # type: ignore[no-untyped-def]
    write(tmp_path, {"repot.toml": "", "checks.toml": 'schema = "public"'})
    (tmp_path / "repot.toml").unlink()
    code, document = repot("check", "--project", tmp_path, dsn=system)
    assert (code, document["error"]["code"]) == (2, "no-checks")


def test_nothing_is_there(database: str, check: Check) -> None:
    code, document = check(database, feature="-- expect: x\nselect 1 where true")
    assert code == 1
    assert document["passed"] == 3  # what must be gone


def test_a_feature_that_must_be_there(system: str, check: Check) -> None:
    code, document = check(system, checks=CHECKS.replace('["credits"]', '["credits", "advert"]'))
    assert (code, failed(document)) == (1, [("feature", "there is no features/advert.sql")])


def test_every_problem_of_the_file_at_once(system: str, check: Check) -> None:
    wrong = """
colour = "red"
statement_timeout_ms = "soon"
[[function]]
signature = "f(a int"
[[function]]
signature = "f(a int) returns int security definer"
security = "maybe"
[[function]]
execute = ["nobody"]
[[trigger]]
name = "t"
table = "a.b.c"
function = "f"
timing = "during"
events = ["insert"]
[row_security]
[[row_security.except]]
table = "open"
"""
    code, document = check(system, checks=wrong)
    assert (code, document["error"]["code"]) == (2, "checks-invalid")
    said = document["error"]["evidence"]
    for part in (
        "unknown section or key: colour",
        "statement_timeout_ms",
        "function 1: signature is not a signature",
        "function 2: signature holds more than name, arguments and result",
        "function.2.security",
        "function 3: signature is missing",
        "trigger 1: table",
        "trigger.1.timing",
        "reason",
    ):
        assert part in said, (part, said)


def test_a_signature_runs_nothing(system: str, check: Check) -> None:
    bad = "f() returns int language sql as ''; drop table ledger; create function g() returns int"
    code, document = check(system, checks=f'schema = "public"\n[[function]]\nsignature = "{bad}"')
    assert (code, document["error"]["code"]) == (2, "checks-invalid")


def test_another_schema_can_be_named(system: str, check: Check) -> None:
    run(system, 'create schema "Vé 2"; create table "Vé 2".ledger (id int)')
    code, document = check(system, "--schema", "Vé 2")
    assert (code, document["schema"]) == (1, "Vé 2")
    assert (
        "row security",
        '"Länder" is excepted and not there; ledger: row security is off',
    ) in failed(document)
    code, document = check(system, "--schema", "nowhere")
    assert (code, document["error"]["code"]) == (2, "check-no-schema")
    code, document = check(system, checks="[absent]\ntables = ['late']")
    assert (code, document["error"]["code"]) == (2, "checks-schema")


def test_an_unknown_type_and_an_unknown_role(system: str, check: Check) -> None:
    checks = 'schema = "public"\n[[function]]\nsignature = "tidy(a nothing.vector) returns int"'
    _, document = check(system, checks=checks)
    assert ("function", "there is no type nothing.vector") in failed(document)
    checks = """schema = "public"
[[function]]
signature = "both_of() returns table (a int, b text)"
execute = ["nobody_at_all", "public"]"""
    _, document = check(system, checks=checks)
    assert ("function", "there is no role nobody_at_all") in failed(document)


def test_a_definer_must_pin_some_search_path(system: str, check: Check) -> None:
    checks = 'schema = "public"\n[[function]]\nsignature = "handle_new_user() returns trigger"\n'
    checks += 'security = "definer"'
    assert check(system, checks=checks)[0] == 0  # whichever it is
    run(system, "alter function handle_new_user() reset all")
    _, document = check(system, checks=checks)
    assert "a SECURITY DEFINER function must pin one" in failed(document)[0][1]
