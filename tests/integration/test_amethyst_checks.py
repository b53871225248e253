"""Amethyst V2: what checks.toml, the feature tests and access.toml declare is so, and noticed if not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from repot import service
from repot.embedded import EmbeddedServer
from repot.model.access import Access
from repot.model.checks import Checked, Outcome
from support.amethyst import FOLDER, connect, fill_v2, make_v2

FEATURES = {"new_user", "credits", "advert", "transactions"}


@pytest.fixture(scope="module")
def v2(server: EmbeddedServer) -> Iterator[str]:
    """V2 with rows in every table; the name of a database to copy."""
    name = "amethyst_checks"
    fill_v2(make_v2(server, name))
    yield name
    server.drop_database(name)


def checked(dsn: str) -> list[Checked]:
    """All but checks/*.sql, which belong to the migration."""
    return [c for c in service.check(FOLDER, dsn, schema="public").checks if c.kind != "query"]


def test_the_clean_v2_passes(make_database: Callable[..., str], v2: str) -> None:
    found = checked(make_database(v2))
    assert [c for c in found if c.outcome is not Outcome.PASSED] == []
    assert {c.name.split(":")[0] for c in found if c.kind == "feature"} == FEATURES
    assert len(found) > 30


LAX = "create or replace function advert_credits(duration_seconds int, completed boolean)"
DAMAGE = {
    "new_user": [
        "alter table auth.users disable trigger on_auth_user_created",
        "alter table profiles alter column role set default 'admin'",
        "grant update on profiles to authenticated",
    ],
    "credits": [
        "alter table credit_transactions disable trigger credit_transactions_balance",
        "grant insert on credit_transactions to authenticated;"
        " alter table credit_transactions disable row level security",
    ],
    "advert": [
        f"{LAX} returns int language sql immutable set search_path = '' return 2",
        "alter table profiles alter column daily_ads_limit set default 9",
    ],
    "transactions": [
        "alter table credit_transactions disable trigger credit_transactions_whole",
        "alter table profiles disable trigger profiles_balance",
        "alter table profiles disable trigger all; update profiles set credits_balance = 1;"
        " alter table profiles enable trigger all",
        "grant select on credit_transactions to anon",
    ],
}


@pytest.mark.parametrize(
    ("feature", "damage"), [(name, damage) for name, each in DAMAGE.items() for damage in each]
)
def test_a_feature_test_notices(
    make_database: Callable[..., str], v2: str, feature: str, damage: str
) -> None:
    dsn = make_database(v2)
    with connect(dsn) as conn:
        conn.execute(damage.encode())
    failed = [c for c in checked(dsn) if c.outcome is Outcome.FAILED and c.kind == "feature"]
    assert feature in {c.name.split(":")[0] for c in failed}


def test_everybody_reaches_what_is_declared(make_database: Callable[..., str], v2: str) -> None:
    access = service.access(FOLDER, make_database(v2), schema="public")
    assert isinstance(access, Access)
    assert [f"{f.code}: {f.message}" for f in access.findings] == []
    identities = Counter(p.identity for p in access.people)
    assert identities == {"anon": 1, "user": 3, "admin": 2, "service": 1}
    assert len(access.tables) == 15
    assert access.tries > 1000
