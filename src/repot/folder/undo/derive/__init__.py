"""A way back worked out from the file, where every statement of it has one."""

from repot.folder.undo.derive.derive import Refusal, derive

__all__ = ["Refusal", "derive"]
