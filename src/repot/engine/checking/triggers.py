"""Triggers: attached where they belong, calling what they should, and enabled."""

from __future__ import annotations

from collections.abc import Iterator

from repot.engine.checking.look import Look, Row, outcome
from repot.model.checks import Checked, Outcome, TriggerCheck
from repot.model.names import Name, quoted

_ENABLED = {"origin": ("O", "A"), "always": ("A",)}
_STATES = {
    "D": "disabled",
    "R": "enabled for replication only",
    "O": "enabled, but not ALWAYS",
    "A": "enabled",
}


def check_triggers(look: Look) -> Iterator[Checked]:
    """One after the other, as declared."""
    for declared in look.checking.triggers:
        yield _one(look, declared)


def _one(look: Look, declared: TriggerCheck) -> Checked:
    table = look.name(declared.table)
    title = f"{quoted(declared.name)} on {table}"
    if not look.place.in_place and look.outside(declared.table):
        return _later(title, f"the cutover attaches what stands on {table}")
    there = look.rows("triggers.sql", {"schema": table.schema_, "table": table.name})
    found = next((t for t in there if t["name"] == declared.name), None)
    function = look.name(declared.function)
    if found is None:
        return outcome("trigger", title, [_missing(table, function, there)])
    reasons = list(_differences(declared, function, found))
    state = found["enabled"]
    if state in _ENABLED[declared.enabled]:
        return outcome("trigger", title, reasons)
    if state == "D" and not look.place.in_place and not reasons:
        return _later(title, "it is attached, and sleeps until the cutover")
    more = "" if state != "D" else f"ALTER TABLE {table} ENABLE TRIGGER {quoted(declared.name)};"
    return outcome("trigger", title, [*reasons, f"it is {_STATES[state]}"], hint=more)


def _later(title: str, why: str) -> Checked:
    return Checked(kind="trigger", name=title, outcome=Outcome.NOT_RUN, reasons=(why,))


def _missing(table: Name, function: Name, there: list[Row]) -> str:
    others = [t["name"] for t in there if (t["function_schema"], t["function"]) == _pair(function)]
    if others:
        return f"there is none of this name; {', '.join(others)} calls {function}"
    return f"it is not there: nothing on {table} calls {function}"


def _pair(function: Name) -> tuple[str, str]:
    return function.schema_, function.name


def _differences(declared: TriggerCheck, function: Name, found: Row) -> Iterator[str]:
    if (found["function_schema"], found["function"]) != _pair(function):
        called = Name(schema_=found["function_schema"], name=found["function"])
        yield f"it calls {called}, not {function}"
    if found["timing"] != declared.timing:
        yield f"it fires {found['timing']} the event, not {declared.timing}"
    if set(found["events"]) != set(declared.events):
        yield f"it fires on {', '.join(found['events'])}, not on {', '.join(declared.events)}"
    if declared.columns is not None and set(found["columns"]) != set(declared.columns):
        is_ = ", ".join(found["columns"]) or "any column"
        yield f"it fires on updates of {is_}, not of {', '.join(declared.columns) or 'any column'}"
    if found["for_each"] != declared.for_each:
        yield f"it fires for each {found['for_each']}, not for each {declared.for_each}"
