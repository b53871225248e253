"""Why somebody who signs up gets no profile: nothing is attached, or errors are swallowed."""

from __future__ import annotations

from collections.abc import Iterator

from repot.doctor.plpgsql import swallows_errors
from repot.doctor.visit import Visit, error, unless
from repot.model.doctor import Trouble

_ACCOUNTS = "auth.users"


def attached(visit: Visit) -> Iterator[Trouble]:
    """Functions for new users that no trigger calls, where nothing happens at a sign-up."""
    idle = [row["function"] for row in visit.rows("sign_up.sql") if not row["handled"]]
    if idle:
        yield error(
            "sign-up-not-attached",
            f"nothing happens when somebody signs up: {', '.join(idle)} "
            + ("is" if len(idle) == 1 else "are")
            + f" there, and no enabled trigger on {_ACCOUNTS} calls one",
            hint="attach the one that is meant, and make the profiles that are missing",
            next=f"CREATE TRIGGER on_auth_user_created AFTER INSERT ON {_ACCOUNTS} FOR EACH ROW "
            f"EXECUTE FUNCTION {idle[0]};",
            object=_ACCOUNTS,
        )


def swallowed(visit: Visit) -> Iterator[Trouble]:
    """Trigger functions that go on after any error as if there had been none."""
    for row in visit.rows("trigger_functions.sql"):
        line = swallows_errors(row["definition"])
        if line is None:
            continue
        sign_up = _ACCOUNTS in row["tables"]
        lost = ", and the account is there without its profile" if sign_up else ""
        yield unless(
            sign_up,
            error(
                "errors-swallowed",
                f"{row['function']}, a trigger of {', '.join(row['tables'])}, catches every error "
                f"and raises none: what fails in it fails in silence{lost}",
                hint="take EXCEPTION WHEN OTHERS out, or end it with RAISE: an error is to be seen",
                next=f"select pg_get_functiondef('{row['function']}'::regprocedure);",
                object=row["function"],
                examples=(f"EXCEPTION in the block of line {line}",) if line else (),
            ),
        )
