"""The report: figures from evidence, escaped, and a picture that adds up."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from repot.model.results import Account, TableProof, Verdict
from repot.model.state import Evidence, Phase, Run
from repot.report import assemble, write_report
from repot.report.flow import LEFT_OUT, draw

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVIL = '<script>alert("é")</script>'


def verdict(differences: int = 0) -> Verdict:
    return Verdict(
        passed=not differences,
        at=AT,
        snapshot="1:1:",
        plan_digest="d" * 64,
        tables=(
            TableProof(
                table="packs",
                rows_compared=1234,
                view_rows=1234,
                table_rows=1234,
                missing=0,
                extra=0,
                changed=differences,
            ),
        ),
        accounts=(
            Account(
                table=EVIL, rows=1234, moved=1200, left=34, quarantined=34, into={"packs": 1200}
            ),
        ),
        trips=(),
        checks=(),
        rows_compared=1234,
        differences=differences,
        reasons=("packs: 1 changed",) if differences else (),
    )


def report_of(tmp_path: Path, answer: Verdict) -> dict[str, str]:
    run = Run(
        id=7,
        project="shop",
        plan_digest="d" * 64,
        phase=Phase.COPIED,
        created_at=AT,
        updated_at=AT,
    )
    evidence = Evidence(
        id=1,
        run=7,
        at=AT,
        stage="verify",
        kind="proof",
        plan_digest="d" * 64,
        snapshot="1:1:",
        question="is every row what its move gives?",
        answer={**answer.model_dump(mode="json"), "a field of a later version": 1},
    )
    return {p.name: p.read_text() for p in write_report(assemble(run, (evidence,)), tmp_path)}


def test_figures_and_their_questions_are_in_all_three(tmp_path: Path) -> None:
    files = report_of(tmp_path, verdict())
    assert set(files) == {"report.md", "report.html", "report.json"}
    for text in (files["report.md"], files["report.html"]):
        assert "1,234" in text
        assert "is every row what its move gives?" in text


def test_a_failed_proof_looks_failed(tmp_path: Path) -> None:
    files = report_of(tmp_path, verdict(differences=1))
    assert "not proven" in files["report.html"]
    assert "**Failed**" in files["report.md"]
    assert "packs: 1 changed" in files["report.md"]


def test_names_cannot_become_markup(tmp_path: Path) -> None:
    html = report_of(tmp_path, verdict())["report.html"]
    assert EVIL not in html
    assert "&lt;script&gt;" in html


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    html = report_of(tmp_path, verdict())["report.html"]
    for word in ("http://", "https://", "<script", "<link", "@import"):
        assert word not in html


def test_bands_join_what_the_accounts_say() -> None:
    flow = draw(verdict().accounts)
    assert [(b.source, b.target, b.rows) for b in flow.bands] == [
        (EVIL, "packs", 1200),
        (EVIL, LEFT_OUT, 34),
    ]
    for stack in (flow.left, flow.right):
        for above, below in pairwise(stack):
            assert above.y + above.height < below.y
    assert flow.height > max(n.y + n.height for n in (*flow.left, *flow.right))
