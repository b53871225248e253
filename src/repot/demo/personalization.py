"""The story of the personalisation platform: changed both ways, and what a remark of npm's did."""

from __future__ import annotations

from repot.demo.equality import compare
from repot.demo.moving import Moving
from repot.demo.npm_warn import Story
from repot.demo.plain import baseline
from repot.demo.result import BothWays, Equality, FolderResult
from repot.demo.stage import Stage
from repot.folder.deploy import deploy, resolve
from repot.model.errors import Exit, RepotError

FIRST = "20250301090000_init"  # what V1 is
BROKEN = "20260103160147_add_saas_personalization_models"


def tell(stage: Stage) -> BothWays:
    """Raises RepotError where a stage of the move or the deployment fails."""
    folder = stage.system.folder / "migrations"
    dsn, counts = stage.make_v1()
    name = stage.system.name
    by_folder, by_hand = (
        stage.server.create_database(f"{name}_{copy}", name) for copy in ("folder", "story")
    )
    moving = Moving(stage.system, stage.runner(dsn), stage.work, stage.progress)
    step, schema = moving.step, moving.runner.project.source.schema_

    resolve(by_folder, folder, applied=(FIRST,))
    done = step("deploy the folder", lambda: deploy(by_folder, folder))
    if done.exit is not Exit.DONE:
        reasons = [str(done.failure)] if done.failure else [f.message for f in done.findings]
        raise RepotError("demo-folder", "the folder was not deployed", evidence="\n".join(reasons))
    deployed = FolderResult(applied=len(done.applied), seconds=step.seconds["deploy the folder"])

    baseline(by_hand, FIRST, (folder / FIRST / "migration.sql").read_text(encoding="utf-8"))
    told = Story(folder, by_hand, by_folder, stage.work, schema, BROKEN)
    story = step("the story of the npm warn line", told.tell)

    found: list[Equality] = []
    result = moving.idle(
        counts,
        stage.seed,
        stage.report,
        look=lambda: found.append(
            step("compare both ways", lambda: compare(by_folder, dsn, schema))
        ),
    )
    (both,) = found
    return BothWays(
        **result.model_dump(exclude={"ok"}),
        ok=result.ok and both.equal and all(chapter.ok for chapter in story),
        folder=deployed,
        both_ways=both,
        story=story,
    )
