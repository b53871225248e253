"""The backup: dumped, restored, counted; only then it is one."""

from repot.stages.backup.manifest import check_files
from repot.stages.backup.run import backup

__all__ = ["backup", "check_files"]
