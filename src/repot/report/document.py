"""Evidence, picked and put in order; figures only, no words of success."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TypeVar

from repot.model.audit import Audit
from repot.model.base import Value
from repot.model.finding import Finding
from repot.model.plan import NotCarried
from repot.model.results import (
    CopyResult,
    CutoverResult,
    RollbackResult,
    TestedBackup,
    Verdict,
)
from repot.model.state import Evidence, Phase, Run

T = TypeVar("T", bound=Value)


class Question(Value):
    """One piece of evidence, for the list at the end: which query backs which figure."""

    id: int
    at: datetime
    stage: str
    kind: str
    plan_digest: str
    snapshot: str | None
    question: str


class Report(Value):
    """All that the report shows; None or empty where there is no evidence."""

    project: str
    run: int
    phase: Phase
    plan_digest: str
    made_from: datetime  # the newest evidence
    audit: Audit | None
    backup: TestedBackup | None
    plan_findings: tuple[Finding, ...]
    not_carried: tuple[NotCarried, ...]
    copy_result: CopyResult | None
    verdict: Verdict | None
    proofs: tuple[tuple[datetime, bool, int, int], ...]  # at, passed, rows compared, differences
    cutovers: tuple[CutoverResult, ...]
    rollbacks: tuple[RollbackResult, ...]
    questions: tuple[Question, ...]

    @property
    def passed(self) -> bool:
        return self.verdict is not None and self.verdict.passed


def assemble(run: Run, evidence: tuple[Evidence, ...]) -> Report:
    """The report of a run from its evidence (and that of the audits and backups before it)."""
    plan = _last(evidence, "plan")
    proofs = [_typed(Verdict, e) for e in evidence if e.kind == "proof"]
    return Report(
        project=run.project,
        run=run.id,
        phase=run.phase,
        plan_digest=run.plan_digest,
        made_from=max((e.at for e in evidence), default=run.updated_at),
        audit=_maybe(Audit, _last(evidence, "audit")),
        backup=_maybe(TestedBackup, _last(evidence, "backup")),
        plan_findings=_items(Finding, plan, "findings"),
        not_carried=_items(NotCarried, plan, "not_carried"),
        copy_result=_maybe(CopyResult, _last(evidence, "copy")),
        verdict=proofs[-1] if proofs else None,
        proofs=tuple((p.at, p.passed, p.rows_compared, p.differences) for p in proofs),
        cutovers=tuple(_typed(CutoverResult, e) for e in evidence if e.kind == "cutover"),
        rollbacks=tuple(_typed(RollbackResult, e) for e in evidence if e.kind == "rollback"),
        questions=tuple(
            Question.model_validate(e.model_dump(include=set(Question.model_fields)))
            for e in evidence
        ),
    )


def _last(evidence: tuple[Evidence, ...], kind: str) -> Evidence | None:
    return next((e for e in reversed(evidence) if e.kind == kind), None)


def _typed(model: type[T], evidence: Evidence) -> T:
    return evidence.read(model)


def _maybe(model: type[T], evidence: Evidence | None) -> T | None:
    return _typed(model, evidence) if evidence else None


def _items(model: type[T], evidence: Evidence | None, key: str) -> tuple[T, ...]:
    found = evidence.answer.get(key, []) if evidence else []
    assert isinstance(found, list)
    return tuple(model.model_validate_json(json.dumps(item)) for item in found)
