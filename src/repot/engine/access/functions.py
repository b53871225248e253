"""Which functions of a schema each identity may call."""

from __future__ import annotations

from repot.engine.access.scene import Place
from repot.engine.access.sql import load
from repot.model.access import AccessRules, Callable
from repot.model.names import quoted
from repot.postgres.connect import Connection


def read_callables(conn: Connection, rules: AccessRules, place: Place) -> tuple[Callable, ...]:
    """Functions that at least one identity may call. Asked of the catalog: a call would do what the
    function does."""
    roles = list(dict.fromkeys(i.role for i in rules.identities))
    rows = conn.execute(
        load("functions.sql").encode(),
        {"schema": place.schema, "roles": roles, "usage": place.usage},
    ).fetchall()
    found = []
    for name, arguments, owner, definer, may in rows:
        assert isinstance(may, list)
        who = tuple(i.name for i in rules.identities if i.role in may)
        if who:
            found.append(
                Callable(
                    function=f"{quoted(str(name))}({arguments})",
                    definer=bool(definer),
                    owner=str(owner),
                    identities=who,
                )
            )
    return tuple(found)
