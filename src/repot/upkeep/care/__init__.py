"""The built-ins of upkeep: what a database needs again and again, ready to be declared."""

from repot.upkeep.care.registry import BUILTINS, CARE
from repot.upkeep.care.sql import scripts

__all__ = ["BUILTINS", "CARE", "scripts"]
