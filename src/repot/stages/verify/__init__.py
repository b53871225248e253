"""The proof: every row compared, every V1 row accounted for, the way back, the user's checks."""

from repot.stages.verify.stage import verify

__all__ = ["verify"]
