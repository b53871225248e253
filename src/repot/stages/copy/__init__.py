"""Filling V2: parallel, resumable, each row exactly once."""

from repot.stages.copy.stage import copy

__all__ = ["copy"]
