"""Whole systems, moved on a private PostgreSQL for everybody to see."""

from repot.demo.result import BothWays, DemoResult
from repot.demo.story import tell

__all__ = ["BothWays", "DemoResult", "tell"]
