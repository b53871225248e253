"""cleanup: the end of a move: the retired V1 goes, or, given up, V2 does."""

from repot.stages.cleanup.stage import cleanup

__all__ = ["cleanup"]
