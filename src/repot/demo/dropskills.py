"""The story of Dropskills: moved, moved back and moved again while its application writes."""

from __future__ import annotations

from repot.demo.load import Load
from repot.demo.moving import Moving
from repot.demo.result import DemoResult
from repot.demo.stage import Stage


def tell(stage: Stage) -> DemoResult:
    """Raises RepotError where a stage of the move fails."""
    dsn, counts = stage.make_v1()
    moving = Moving(stage.system, stage.runner(dsn), stage.work, stage.progress)
    if not stage.writers:
        return moving.idle(counts, stage.seed, stage.report)
    stage.progress.say(f"— {stage.writers} clients of the application begin to write")
    with Load(
        stage.system.name, dsn, writers=stage.writers, seed=stage.seed, rate=stage.rate
    ) as load:
        return moving.live(counts, load, stage.report)
