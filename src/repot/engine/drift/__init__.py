"""Changes of the schema while a run is alive: noticed before anything wrong is written.

`fingerprint` tells in one query that something has changed, `explain` what, `watch` notes who did
it, and `check` stops a batch.
"""

from repot.engine.drift.check import check
from repot.engine.drift.explain import explain
from repot.engine.drift.fingerprint import fingerprint
from repot.engine.drift.ground import note
from repot.engine.drift.watch import unwatch, watch

__all__ = ["check", "explain", "fingerprint", "note", "unwatch", "watch"]
