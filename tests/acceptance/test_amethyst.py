"""`repot demo amethyst`: what the issue promises of it, in its own document."""

from __future__ import annotations

from support.project import repot

LISTED = {"duplicates", "ledger_conflicts", "ban_conflicts", "ad_conflicts", "changed_balances"}
FEATURES = {"new_user", "credits", "advert", "transactions"}


def test_amethyst_is_merged_secured_and_moved_there_and_back() -> None:
    code, shown = repot("demo", "amethyst", "--rows", "1500")
    assert code == 0, shown
    assert shown["ok"]
    assert [p["passed"] for p in shown["proofs"]] == [True, True]
    assert all(p["rows_compared"] > 900 and not p["differences"] for p in shown["proofs"])
    assert not any(t["unaccounted"] for t in shown["tables"].values())
    for twin in ("credits_transactions", "ads_history", "banned_emails", "banned_users"):
        assert shown["tables"][twin]["merged"] > 0, twin
    # Each row is there, not only their number.
    assert set(shown["listings"]) == LISTED
    for name, listing in shown["listings"].items():
        assert listing["count"] == len(listing["rows"]) > 0, name
    balances = shown["listings"]["changed_balances"]
    before, after = (balances["columns"].index(c) for c in ("shown", "after"))
    assert all(row[before] != row[after] for row in balances["rows"])
    assert {
        name.partition(":")[0]: said for name, said in shown["features"].items()
    } == dict.fromkeys(FEATURES, "passed")
    assert all(c["outcome"] == "passed" for c in shown["checks"]["checks"])
    assert shown["access_equal"]
    assert shown["access"]["tries"] > 1000
    assert shown["writes"]["acknowledged"] > 0
    assert shown["writes"]["missing"] == shown["writes"]["v1_rows_unexplained"] == 0
