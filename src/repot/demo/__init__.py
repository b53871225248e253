"""Whole systems, moved on a private PostgreSQL for everybody to see."""

from repot.demo.result import BothWays, DemoResult, Secured
from repot.demo.story import tell

__all__ = ["BothWays", "DemoResult", "Secured", "tell"]
