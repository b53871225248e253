"""Unique values that change hands inside one batch (trap 13).

PostgreSQL checks a unique index row by row, so two rows that exchange a value cannot be updated in
one statement. The rows that hold a value which another row of the batch is to get make way first:

* deleted and inserted anew, as they are to be, by one statement, where no foreign key notices that
  (NO ACTION is checked at its end, when the row is there again; any other action is not);
* else they give the value up for one that nobody has, the first that their constraints allow.

Where neither goes, the update that follows fails, and the batch with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from repot.engine.apply.parking import values
from repot.engine.apply.work import Work, same_key
from repot.model.catalog import Unique
from repot.postgres.compose import ident, idents, joined
from repot.postgres.connect import Connection

_TAKEN = (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation)
_REFUSED = (psycopg.IntegrityError, psycopg.DataError, psycopg.errors.RaiseException)


def make_way(conn: Connection, work: Work) -> int:
    """Take unique values from the rows that must give them up; gives the number of rows that are as
    they are to be by now."""
    found = _in_way(conn, work)
    if not found:
        return 0
    columns = _plain_columns(conn, work)
    for unique, doomed, _ in found:
        if doomed:  # a row still refers to it
            _park(conn, work, unique, work.doomed)
    wanted = [unique for unique, _, wanted in found if wanted]
    if not wanted:
        return 0
    if columns:
        return _exchange(conn, work, columns, joined((_holders(work, u, work.wanted) for u in wanted), " union "))
    for unique in wanted:
        _park(conn, work, unique, work.wanted)
    return 0


def careful(work: Work) -> bool:
    """Whether rows may be in each other's way by an index that says nothing of bare columns: of
    expressions, of some rows, of an exclusion constraint."""
    return work.wants > 1 and any(
        (i.unique and i.partial_or_expression) or (i.constraint and not i.unique)
        for i in work.description.indexes
    )
