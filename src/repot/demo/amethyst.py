"""The story of Amethyst: twins merged, access tried, features tested, there and back and there."""

from __future__ import annotations

from repot import service
from repot.demo.moving import Moving
from repot.demo.result import Secured
from repot.demo.stage import Stage
from repot.model.access import Access
from repot.model.checks import CheckReport


def tell(stage: Stage) -> Secured:
    """Raises RepotError where a stage of the move fails."""
    dsn, counts = stage.make_v1()
    runner = stage.runner(dsn)
    moving = Moving(stage.system, runner, stage.work, stage.progress)
    step, folder = moving.step, stage.system.folder
    listed = step("what people should see before", lambda: service.listings(runner, (), None))

    checked: list[CheckReport] = []
    tried: list[Access] = []

    def look() -> None:
        progress = stage.progress
        checks = step("checks and features", lambda: service.check(folder, dsn, progress=progress))
        access = step("who may reach which rows", lambda: runner.access().brief())
        checked.append(checks)
        tried.append(access)

    result = moving.idle(counts, stage.seed, stage.report, look=look)
    (checks,), (access,) = checked, tried
    return Secured(
        **result.model_dump(exclude={"ok"}),
        ok=result.ok and checks.passed and access.passed and not any(one.error for one in listed),
        listings=listed,
        checks=checks,
        access=access,
    )
