"""Objects outside of the swap that are bound to V1 by identity, not by name."""

from __future__ import annotations

from collections.abc import Iterator

from repot.engine.swap.dependents import Dependent
from repot.engine.swap.namesakes import Namesakes
from repot.engine.swap.outside_sql import mentions
from repot.engine.swap.sql import load
from repot.engine.swap.survey import Survey
from repot.engine.swap.things import TABLES
from repot.model.finding import Finding, error, info, warning
from repot.model.names import Name, quoted
from repot.model.plan import Plan
from repot.postgres.connect import Connection

_WHAT = {
    "view": "the view reads V1 and is led to V2",
    "matview": "the materialized view is made anew over V2, empty until it is refreshed right "
    "after the cutover: reading it fails in between",
    "trigger": "the trigger calls V2's function of the same name from the cutover on",
    "rule": "the rule is led to V2",
    "policy": "the policy reads V2 from the cutover on",
    "foreign key": "the foreign key refers to V2 from the cutover on; the rows that are there are "
    "checked right after it",
    "default": "the default is led to V2",
    "routine": "the routine is led to V2",
}


def outside(conn: Connection, plan: Plan, swap: Survey, names: Namesakes) -> list[Finding]:
    """Each with what will happen to it, or why it cannot."""
    found: list[Finding] = []
    unable: dict[tuple[int, int], list[str]] = {}
    for dependent in swap.dependents:  # those that others stand on come first
        if not dependent.remade:
            found.append(_not_remade(dependent))
            continue
        lacking = names.lacking(dependent)
        on = [unable[n.key] for n in dependent.needs if n.key in unable]
        if lacking or on:
            unable[dependent.key] = lacking or on[0]
            found.append(_missing(plan, dependent, lacking or on[0]))
        else:
            found.append(_led(dependent))
    found += _entangled(swap)
    found += _elsewhere(conn, swap)
    found += _shared(swap)
    return found


def _led(dependent: Dependent) -> Finding:
    make = warning if dependent.kind == "matview" else info
    return make(
        "outside-led-over", f"{dependent}: {_WHAT[dependent.kind]}", object=dependent.identity
    )


def _missing(plan: Plan, dependent: Dependent, lacking: list[str]) -> Finding:
    script = mentions(plan, dependent.name)
    text = f"{dependent} is bound to V1, and V2 has no {', no '.join(lacking)}"
    if script is not None:
        return info(
            "outside-by-file",
            f"{text}: {script.path} deals with it",
            object=dependent.identity,
            file=script.path,
        )
    return error(
        "outside-breaks",
        text,
        object=dependent.identity,
        hint=f"give outside/{dependent.name}.sql, run in the cutover after the swap, that drops "
        "or rewrites it (the rollback puts it back by itself), or give V2 what it needs",
    )


def _not_remade(dependent: Dependent) -> Finding:
    if dependent.kind == "relation":
        return error(
            "outside-column-type",
            f"{dependent} is made of V1's tables: it inherits from one, or has a column of a "
            "row type of V1",
            object=dependent.identity,
            hint="change it to a type of its own before the move",
        )
    return warning(
        "outside-keeps-v1",
        f"{dependent} uses something of V1 and goes on doing so after the cutover",
        object=dependent.identity,
        hint="it works until `repot cleanup`, which refuses to drop what is still used",
    )


def _entangled(swap: Survey) -> Iterator[Finding]:
    """V2's own objects that would use V1 after the cutover."""
    for dependent in swap.entangled:
        if dependent.kind in ("type", "other", "statistics"):
            continue
        yield error(
            "target-uses-v1",
            f"{dependent} of V2 is bound to V1: it would go on using V1 after the cutover",
            object=dependent.identity,
            file="target.sql",
            hint="in target.sql name V2's own tables, sequences and functions",
        )


def _elsewhere(conn: Connection, swap: Survey) -> Iterator[Finding]:
    oids = [t.oid for t in (*swap.outgoing, *swap.incoming) if t.kind in (*TABLES, "f")]
    for cs, child, ps, parent, partition, own in conn.execute(
        load("bound_elsewhere.sql"), {"oids": oids}
    ).fetchall():
        name = Name(schema_=str(cs), name=str(child))
        of = Name(schema_=str(ps), name=str(parent))
        if own:
            yield error(
                "part-of-outside",
                f"{name} is a part of {of}, which stays: what is written to that goes to V1 always",
                object=str(name),
                hint=f"detach it from {of}, or bring {of} into the source schema",
            )
        elif partition:
            yield warning(
                "partition-elsewhere",
                f"{name}, a partition of {of}, stands in another schema and stays there",
                object=str(name),
                hint="who writes to it by its own name writes to the old side after the cutover",
            )
        else:
            yield error(
                "inherits-from-outside",
                f"{name} inherits from {of} and would go on doing so after the cutover",
                object=str(name),
                hint=f"ALTER TABLE {name} NO INHERIT {of};",
            )


def _shared(swap: Survey) -> Iterator[Finding]:
    for sequence in swap.shared:
        yield info(
            "sequence-shared",
            f"the sequence {sequence.full_name} is used by V2 too and stays where it is",
            object=quoted(sequence.name),
        )
