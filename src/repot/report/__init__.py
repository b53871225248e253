"""Evidence as Markdown, HTML and JSON: the report says nothing that no query backs."""

from repot.report.document import Report, assemble
from repot.report.write import write_report

__all__ = ["Report", "assemble", "write_report"]
