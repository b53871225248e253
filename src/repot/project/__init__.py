"""The user's project folder."""

from repot.project.load import load_project

__all__ = ["load_project"]
