"""The audit: the whole of V1 as it is, read without changing anything."""

from repot.stages.audit.run import audit

__all__ = ["audit"]
