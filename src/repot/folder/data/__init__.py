"""Rules that look at the database and its data before pending files run."""

from repot.folder.data.examine import examine_data
from repot.folder.data.rule import DataRule
from repot.folder.data.rules import RULES
from repot.folder.data.same import told_once

__all__ = ["RULES", "DataRule", "examine_data", "told_once"]
