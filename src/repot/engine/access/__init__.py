"""Who may reach which rows, found by trying: the matrix of caller × table × operation."""

from repot.engine.access.compare import compare
from repot.engine.access.foreseen import foreseen
from repot.engine.access.matrix import try_access
from repot.engine.access.people import check_roles
from repot.engine.access.scene import Place
from repot.engine.access.words import by_cell, in_words

__all__ = [
    "Place",
    "by_cell",
    "check_roles",
    "compare",
    "foreseen",
    "in_words",
    "try_access",
]
