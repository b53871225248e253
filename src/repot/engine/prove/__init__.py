"""Proving rows while others are written: what waits is set aside, what was touched is proven later.

The argument, for any moment S: V2's rows of a scope are what the view gives in S unless a change of
one of their sources is logged or waits in todo in S. For each change that S sees, its log row was
either still there, or was taken off by an applier that committed before S and derived the rows with
a snapshot later than the change. Which scopes a logged change touches is worked out in S itself
(trap 17). Every scope that an applier writes is noted as touched, with the epoch of that time; a
proof first raises the epoch, which waits for appliers at work, then takes its snapshot: what was
touched in an older epoch is seen by the snapshot, what is touched later bears the new one.
"""

from repot.engine.prove.aside import Aside
from repot.engine.prove.touched import (
    TouchedProof,
    forget_touched,
    prove_touched,
    prove_touched_now,
    raise_epoch,
    touch_own,
    touched_count,
)

__all__ = [
    "Aside",
    "TouchedProof",
    "forget_touched",
    "prove_touched",
    "prove_touched_now",
    "raise_epoch",
    "touch_own",
    "touched_count",
]
