"""A session's lock is waited for a moment: the one who had it may be just leaving."""

from __future__ import annotations

import threading

from repot.postgres.turn import take_turn
from support.sql import connect


def test_who_is_just_leaving_is_waited_for(database: str) -> None:
    one, other = connect(database), connect(database)
    assert take_turn(one, "repot.test", 7)
    leaving = threading.Timer(0.2, one.close)
    leaving.start()
    assert take_turn(other, "repot.test", 7, seconds=30)
    leaving.join()
    other.close()


def test_who_stays_keeps_it(database: str) -> None:
    with connect(database) as one, connect(database) as other:
        assert take_turn(one, "repot.test", 7)
        assert not take_turn(other, "repot.test", 7, seconds=0.1)
        assert take_turn(other, "repot.test", 8, seconds=0)
