"""Whole systems, moved on a private PostgreSQL for everybody to see."""

from repot.demo.story import DemoResult, tell

__all__ = ["DemoResult", "tell"]
