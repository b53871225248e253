"""Operations on people: accounts, what they ask for, their votes, and the audit trail."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from . import facts
from .facts import Change, Key
from .work import Said, Work, operation
from .world import World, moment

FIRST = ("Zoé", "Anaïs", "O’Neil", "Łukasz", "Noël", " Paul ", "", None)
LAST = ("Durand", "D'Arc", "Müller", "Ngô", None)
# As V1 spells them; facts.py knows what V2 makes of them.
ROLES = ("USER", "USER", "PREMIUM", "SUPPORT", "ADMIN")
STATUSES = ("ACTIVE", "ACTIVE", "active", "INACTIVE", "Inactive", "SUSPENDED", "banned")
REQUEST = ("IDEA", "PLANNED", "IN_PROGRESS", "done", "REJECTED")


@operation(6, grows="user")
def sign_up(w: World) -> Said:
    """The trigger on auth.users makes the profile (V1) or the user (V2)."""
    user, first, last = w.new_id(), w.dice.choice(FIRST), w.dice.choice(LAST)
    email = None if w.dice.random() < 0.15 else f"Nouveau+{w.mark()}@exemple.fr"
    account = {"id": user, "email": email, "first": first, "last": last}
    cols = {
        "whole": True,
        "email": email,
        "account": email,
        "first": first,
        "last": last,
        "avatar": None,
        "role": "USER",
        "status": "ACTIVE",
        "signed_in": None,
    }
    return lambda _: Work().say("sign_up", **account).so(Change(("user", user), cols, new=True))


@operation(4)
def sign_in(w: World) -> Said | None:
    """Changes auth.users alone; V2 keeps a copy."""
    user, at = w.pick("user"), moment()
    if not user:
        return None
    return lambda _: Work().say("sign_in", id=user[1], at=at).so(Change(user, {"signed_in": at}))


@operation(2)
def email_change(w: World) -> Said | None:
    user = w.pick("user")
    if not user:
        return None
    email = None if w.dice.random() < 0.1 else f"autre.{w.mark()}@exemple.fr"
    return lambda _: (
        Work()
        .say("email_change", id=user[1], email=email)
        .so(Change(user, {"email": email, "account": email}))
    )


@operation(5)
def profile_edit(w: World) -> Said | None:
    user = w.pick("user")
    if not user:
        return None
    new: dict[str, Any] = {
        "first": w.dice.choice(FIRST),
        "last": w.dice.choice(LAST),
        "avatar": f"https://cdn.example.org/avatars/{w.mark()}.png",
    }
    return lambda _: Work().say("profile_edit", id=user[1], **new).so(Change(user, new))


@operation(2)
def standing_change(w: World) -> Said | None:
    """A role, a status: V1 has more words for them than V2."""
    user = w.pick("user")
    if not user:
        return None
    raw = {"role": w.dice.choice(ROLES), "status": w.dice.choice(STATUSES)}
    cols = {"role": facts.role(raw["role"]), "status": facts.standing(raw["status"])}

    def said(dialect: int) -> Work:
        given, spelled = (raw, raw) if dialect == 1 else (cols, {})
        return Work().say("standing", id=user[1], **given).so(Change(user, cols, spelled))

    return said


@operation(1.2, shrinks="user")
def user_delete(w: World) -> Said | None:
    """V1's foreign keys do not cascade from a profile; V2's do, or a function does it."""
    user = w.pick_id("user")
    if not user:
        return None
    leave_votes, erase = w.dice.random() < 0.3, w.dice.random() < 0.5

    def said(dialect: int) -> Work:
        work = Work().so(Change(("user", user)))
        work.so(*(Change(key) for kind in ("favorite", "owned") for key in w.about(user, kind)))
        work.so(*(Change(key, {"user": None}) for key in w.about(user, "request")))
        work.so(*(Change(key, {"admin": None}) for key in w.about(user, "log")))
        orphan = leave_votes and dialect == 1
        work.so(*(Change(key, orphan=orphan) for key in w.about(user, "vote")))
        if dialect == 2 and erase:
            # The function writes a line of the trail itself.
            line = {"action": "USER_ERASED", "place": "users", "admin": None, "details": None}
            return work.say("user_erase", 1, id=user).so(Change(("log", user), line, new=True))
        if dialect == 2:
            return work.say("user_row_delete", id=user).say("user_delete", id=user)
        if not leave_votes:
            work.say("user_votes_delete", None, id=user)
        work.say("user_favorites_delete", None, id=user).say("user_logs_release", None, id=user)
        return work.say("user_delete", id=user)

    return said


# ------------------------------------------------------------------------------ requests and votes


@operation(3, grows="request")
def request_create(w: World) -> Said:
    request, user = w.new_id(), w.pick_id("user") if w.dice.random() < 0.8 else None
    new = {"user": user, "title": f"Je voudrais {w.mark()}", "description": "« vite »"}
    cols = {**new, "status": "IDEA", "votes": 0}
    return lambda _: (
        Work()
        .say("request_create", id=request, **new)
        .so(Change(("request", request), cols, new=True))
    )


@operation(2)
def request_edit(w: World) -> Said | None:
    request = w.pick("request")
    if not request:
        return None
    new = {"title": f"Plutôt {w.mark()}", "status": w.dice.choice(REQUEST)}
    return lambda _: Work().say("request_edit", id=request[1], **new).so(Change(request, new))


@operation(4, grows="vote")
def vote(w: World) -> Said | None:
    """A vote and its count, in one transaction."""
    request, user, at = w.pick("request"), w.pick_id("user"), moment()
    if not request or not user:
        return None
    key = ("vote", request[1], user)
    by = 0 if w.states.get(key, (None,))[0] else 1
    votes = w.state(request).cols["votes"] + by

    def said(_: int) -> Work:
        work = Work().say("vote", request=request[1], user=user, at=at)
        if by:
            work.say("votes_add", id=request[1], by=by)
        return work.so(Change(key, {"at": at}), Change(request, {"votes": votes}))

    return said


@operation(1.5, shrinks="vote")
def vote_withdraw(w: World) -> Said | None:
    gone = w.pick("vote")
    if not gone:
        return None
    request: Key = ("request", gone[1])
    votes = w.state(request).cols["votes"] - 1
    return lambda _: (
        Work()
        .say("vote_withdraw", request=gone[1], user=gone[2])
        .say("votes_add", id=gone[1], by=-1)
        .so(Change(gone), Change(request, {"votes": votes}))
    )


@operation(1.5, shrinks="request")
def request_delete(w: World) -> Said | None:
    """V1 has no foreign key from the votes: the application deletes them, mostly."""
    request = w.pick("request")
    if not request:
        return None
    leave_votes = w.dice.random() < 0.3

    def said(dialect: int) -> Work:
        work = Work()
        orphan = leave_votes and dialect == 1
        if not orphan:
            work.say("request_votes_delete", None, id=request[1])
        work.say("request_delete", id=request[1]).so(Change(request))
        return work.so(*(Change(key, orphan=orphan) for key in w.about(request[1], "vote")))

    return said


@operation(4)
def hot_vote(w: World) -> Said | None:
    """All writers count up the same few rows: no vote may get lost between them."""
    if not w.hot_requests:
        return None
    request, by = w.dice.choice(w.hot_requests), w.dice.randrange(1, 4)
    return lambda _: (
        Work().say("votes_add", id=request, by=by).so(Change(("hot_votes", request), {}, add=by))
    )


# ---------------------------------------------------------------------------------- the audit trail


@operation(7, grows="log")
def log(w: World) -> Said:
    """V1 numbers its lines itself; V2 gives them uuids."""
    target, admin = w.new_id(), w.pick_id("user") if w.dice.random() < 0.8 else None
    line: dict[str, Any] = {
        "action": w.dice.choice(("UPDATE_PRODUCT", "Refund", "login", "« é »")),
        "place": w.dice.choice(("products", "packs", '"_UserPacks"', None)),
        "admin": admin,
        "at": moment(),
    }
    details = {"avant": w.dice.randrange(100), "raison": "promo d'été", "liste": [1, None, "x"]}
    cols = {**line, "details": details}

    def said(_: int) -> Work:
        work = Work().say("log", target=target, details=Jsonb(details), **line)
        return work.so(Change(("log", target), cols, new=True))

    return said


@operation(1, shrinks="log")
def logs_purge(w: World) -> Said | None:
    """Old lines of the trail go, several at once."""
    lines = [key for key in w.pick_many("log", 20) if "at" in w.state(key).cols]
    if not lines:
        return None
    at, targets = [w.state(key).cols["at"] for key in lines], [key[1] for key in lines]
    return lambda _: (
        Work()
        .say("logs_purge", len(lines), at=at, targets=targets)
        .so(*(Change(key) for key in lines))
    )
