"""plan: everything that is wrong, at once, before anything is touched."""

from repot.stages.plan.stage import make_plan

__all__ = ["make_plan"]
