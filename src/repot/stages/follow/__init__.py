"""follow: carry changes over as they are made, until stopped."""

from repot.stages.follow.stage import follow

__all__ = ["follow"]
