"""All data rules, in the order in which the reference lists them."""

from __future__ import annotations

from repot.folder.data import (
    cascades,
    casts,
    constraints,
    downs,
    drops,
    enums,
    extensions,
    indexes,
    nulls,
    uniqueness,
)
from repot.folder.data.rule import DataRule

RULES: tuple[DataRule, ...] = (
    *nulls.RULES,
    *uniqueness.RULES,
    *indexes.RULES,
    *constraints.RULES,
    *casts.RULES,
    *enums.RULES,
    *drops.RULES,
    *cascades.RULES,
    *extensions.RULES,
    *downs.RULES,
)
