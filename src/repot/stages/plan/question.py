"""A question to the rows of a move."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from repot.model.finding import Finding


@dataclass(frozen=True)
class Question:
    """Rows that satisfy `condition` are in trouble; `finding` says which, without count."""

    condition: sql.Composable
    finding: Finding
