"""rollback: V1 serves again, with the writes that were made on V2 in it."""

from repot.stages.rollback.stage import rollback

__all__ = ["rollback"]
