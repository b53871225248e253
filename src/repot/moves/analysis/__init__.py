"""Reads a view's definition: its arms, what drives them, and how a change of a table it reads
finds the rows it touches. Pure: no database, only PostgreSQL's grammar and the catalog's data."""

from repot.moves.analysis.analyse import analyse
from repot.moves.analysis.result import Analysis

__all__ = ["Analysis", "analyse"]
