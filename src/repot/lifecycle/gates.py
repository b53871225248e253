"""Gates: the phases from which a stage may be entered, in one table."""

from __future__ import annotations

from repot.model.errors import Refused
from repot.model.state import Phase, Run

ENTER: dict[str, tuple[Phase, ...]] = {
    "copy": (Phase.PLANNED, Phase.COPYING, Phase.COPIED),
    "follow": (Phase.COPIED, Phase.ROLLED_BACK, Phase.CUT_OVER),
    "verify": (Phase.COPIED, Phase.ROLLED_BACK),
    "cutover": (Phase.COPIED, Phase.ROLLED_BACK, Phase.CUT_OVER),
    "rollback": (Phase.CUT_OVER, Phase.ROLLED_BACK),
    "cleanup": (
        Phase.PLANNED,
        Phase.COPYING,
        Phase.COPIED,
        Phase.CUT_OVER,
        Phase.ROLLED_BACK,
        Phase.CLEANED,  # broken off at the very end, there may be a slot left
    ),
}

NEXT: dict[Phase | None, tuple[str, ...]] = {
    None: ("audit", "backup", "plan", "copy", "run"),
    Phase.PLANNED: ("copy", "plan", "audit", "backup"),
    Phase.COPYING: ("copy", "cleanup"),
    Phase.COPIED: ("verify", "follow", "cutover", "copy", "cleanup"),
    Phase.CUT_OVER: ("follow", "rollback", "cleanup"),
    Phase.ROLLED_BACK: ("verify", "follow", "cutover", "cleanup"),
    Phase.CLEANED: ("audit", "backup", "plan", "copy", "run"),
}

_WAY = {
    Phase.PLANNED: "`repot copy` comes next",
    Phase.COPYING: "`repot copy` goes on where it stopped",
    Phase.COPIED: "`repot verify` comes next, then `repot cutover`",
    Phase.CUT_OVER: "V2 serves now: `repot rollback` goes back, `repot cleanup` removes V1",
    Phase.ROLLED_BACK: "V1 serves again: `repot verify`, then `repot cutover`, or `repot cleanup`",
    Phase.CLEANED: "the move is over; `repot copy` would begin another",
}


def enter(stage: str, run: Run | None) -> Run:
    """The run, if `stage` may be entered from its phase; raises Refused `wrong-phase` otherwise."""
    if run is None:
        raise Refused(
            "no-run",
            f"there is nothing to {stage} yet",
            hint="`repot run` goes from the audit to a passed proof; `repot copy` starts a run",
        )
    if run.phase in ENTER[stage]:
        return run
    raise Refused(
        "wrong-phase",
        f"`repot {stage}` cannot follow: run {run.id} is {run.phase.value.replace('_', ' ')}",
        evidence=f"phase since {run.updated_at:%Y-%m-%d %H:%M:%S} UTC",
        hint=_WAY[run.phase],
    )
