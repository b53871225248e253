"""All steps, each with the stage that it is met in."""

from __future__ import annotations

from faults import steps_back as back
from faults import steps_there as there
from faults.step import Step, steps

OPEN_BOTH = "follow --once --both --with-triggers"
DROP_V1 = "cleanup --force shop_old"
DROP_V2 = "cleanup --abandon --force shop_v2"
BATCH_FIRST = {"batch first": there.APPLY["batch"][:4]}

STEPS: list[Step] = [
    *steps("v1", "backup", "v1", there.BACKUP),
    *steps("v1", "plan", "v1", there.PLAN),
    *steps("v1", "copy", "copied", there.BUILD),
    *steps("built", "copy", "copied", there.FILL),
    *steps("copied", "verify", "proven", BATCH_FIRST, spread=False),
    *steps("copied", "verify", "proven", there.PROVE),
    *steps("proven", "follow --once", "proven", there.APPLY),
    *steps("proven", OPEN_BOTH, "both", back.OPEN),
    *steps("both", "follow --once", "both", back.BOTH),
    *steps("both", "cutover", "both cut", back.BOTH_SWITCH),
    *steps("proven", "cutover", "cut", there.TO_V2),
    *steps("cut", "follow --once", "cut", back.CARRY_BACK),
    *steps("cut", "rollback", "back", back.TO_V1),
    *steps("back", "verify", "back", there.SNAPSHOT, spread=False),
    *steps("cut", DROP_V1, "ended", back.V1_GOES),
    *steps("back", DROP_V2, "abandoned", back.V2_GOES),
]
