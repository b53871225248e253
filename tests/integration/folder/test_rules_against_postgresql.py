"""Random folders: where a rule says that a file fails it fails, and elsewhere it does not."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from repot.folder.rules import RULES
from repot.model.finding import Severity
from support.books import found, prisma
from support.random_folders import generate

SAID = {rule.id for rule in RULES if rule.fails and not rule.id.startswith("down-")}
# What a text must tell: there already, column unknown, still needed, value too new.
TELLABLE = {"42P07", "42710", "42701", "42703", "2BP01", "55P04"}


@pytest.mark.parametrize("_", range(40))
def test_a_finding_is_a_failure_and_a_failure_is_a_finding(
    _: int, tmp_path: Path, make_database: Callable[..., str]
) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)  # noqa: T201
    folder = generate(make_database(), random.Random(seed))
    findings = [
        f
        for f in found(prisma(tmp_path, folder.texts))
        if f.severity is Severity.ERROR and f.code in SAID
    ]
    said = [(int((f.file or "").split("_m")[1].split("/")[0]), f.line) for f in findings]
    if folder.failed is None:
        assert findings == []
        return
    file, line, state = folder.failed
    # A table that may have been there before may have other columns and keys than are written.
    unsure = state in ("42703", "2BP01") and "TABLE IF NOT EXISTS" in "".join(folder.texts)
    if state in TELLABLE and not unsure:
        assert said, state
        assert min(said) == (file, line), (state, findings)
    # What was never there at all cannot be told from the texts: it may be older than the folder.
    assert all(place >= (file, line) for place in said), (state, findings)
