"""Losses and failures as findings, in the words of those who have to decide."""

from __future__ import annotations

from collections.abc import Sequence

from repot.folder.deploy.failure import masked
from repot.folder.undo.transaction import Stopped
from repot.folder.undo.way import Way
from repot.model.finding import Finding, error
from repot.model.names import quoted
from repot.model.undo import Loss, LossKind

_NAMED = 3  # examples of a finding


def would_lose(losses: Sequence[Loss], ways: Sequence[Way]) -> tuple[Finding, ...]:
    """One finding for each table and kind, at the beginning of the way back."""
    first = {way.page.name: way.steps[0] for way in ways if way.steps}
    return tuple(
        error(
            "would-lose",
            f"undoing {loss.migration}: {told(loss)}",
            file=first[loss.migration].file,
            line=first[loss.migration].line,
            object=loss.table,
            count=loss.rows,
            examples=loss.examples[:_NAMED],
            hint="--accept-loss goes on and keeps them in repot_archive; "
            "`repot migrate restore` brings them back",
        )
        for loss in losses
    )


def told(loss: Loss) -> str:
    """What is lost and which parents lose it, in one sentence."""
    if loss.kind is LossKind.ROWS:
        text = f"{loss.table} loses {_plural(loss.count, 'row')} ({loss.why})"
    else:
        columns = ", ".join(f"{quoted(c)} {n:,}" for c, n in loss.columns.items())
        text = (
            f"{loss.table} loses {_plural(loss.count, 'value')} in {_plural(loss.rows, 'row')} "
            f"({loss.why}: {columns})"
        )
    parents = [p for p in loss.parents if p.owns] or loss.parents
    for parent in parents:
        keys = ", ".join(parent.keys[:_NAMED])
        more = ", …" if parent.count > _NAMED else ""
        text += (
            f"; {_plural(parent.count, 'row')} of {parent.table} would lose theirs: {keys}{more}"
        )
    return text


def failed(stopped: Stopped, dsn: str) -> Finding:
    """The statement of a way back that the server refuses, at its place, without secrets."""
    step, diagnosis = stopped.step, stopped.why.diag
    line = step.line if step else stopped.way.steps[-1].line if stopped.way.steps else None
    place = diagnosis.statement_position
    if step and line and not stopped.way.derived and place and place.isdigit():
        line += step.sql[: int(place) - 1].count("\n")
    parts = [
        diagnosis.message_primary or str(stopped.why).strip(),
        diagnosis.message_detail,
        f"SQLSTATE {stopped.why.sqlstate}" if stopped.why.sqlstate else None,
    ]
    said = "; ".join(masked(p, dsn) for p in parts if p)
    where = step.file if step else stopped.way.steps[-1].file if stopped.way.steps else None
    what = f" in `{step.sql}`" if step and stopped.way.derived else ""
    return error(
        "down-cannot-succeed",
        f"undoing {stopped.way.page.name} fails{what}: {said}; nothing was changed",
        file=where,
        line=line,
        object=stopped.way.page.name,
        hint=diagnosis.message_hint
        or "put the way back right (a down.sql of its own comes before a derived one)",
    )


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
