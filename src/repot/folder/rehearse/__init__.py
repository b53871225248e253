"""Pending files run on a copy in a private server, and what each statement did there."""

from repot.folder.rehearse.result import FileRun, Held, Lock, Rehearsal, Step, Wrote
from repot.folder.rehearse.run import rehearse

__all__ = ["FileRun", "Held", "Lock", "Rehearsal", "Step", "Wrote", "rehearse"]
