"""A file's text: its statements, and what in it is not SQL."""

from repot.folder.text.cut import Cut, cut_out
from repot.folder.text.statements import Reading, Statement, read_script
from repot.folder.text.troubles import Trouble, examine

__all__ = ["Cut", "Reading", "Statement", "Trouble", "cut_out", "examine", "read_script"]
