"""Migration folders, as typed functions; every front door calls these and nothing below."""

from __future__ import annotations
