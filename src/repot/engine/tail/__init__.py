"""The last changes before a switch, applied and proven by one call.

Under a switch's locks everybody waits, and what takes time there is not the work, which is little,
but asking for it: a hundred statements that are composed, sent and planned, one after the other. So
a function of the session's own (in pg_temp) is made before the locks, which holds the statements of
a batch and of the proof, all of them, and is rehearsed: PL/pgSQL plans a statement when it comes to
it for the first time, and keeps the plan. Under the locks it is called once.

It knows the plain case only. Whatever else it meets (a TRUNCATE, a unique value that changes hands,
a row that V2's constraints refuse, a difference) ends it with nothing done, and the statements are
sent as they are at any other time: those know what to do, and what to say.
"""

from repot.engine.tail.run import Done, Tail, make

__all__ = ["Done", "Tail", "make"]
