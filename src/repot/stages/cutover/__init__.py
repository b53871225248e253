"""cutover: V2 takes the place of V1, in one transaction."""

from repot.stages.cutover.stage import cutover

__all__ = ["cutover"]
