"""The steps of the way to V2: plan, copy, follow, verify, cutover."""

from __future__ import annotations

from faults.step import Parts
from faults.watching import COMMIT

BUILDING = 'create schema if not exists "repot_quarantine"'  # the plan's own trial makes none
STOPPED = ("lock table .* in exclusive mode", "lock table .* in exclusive mode")
HIDDEN = "lock table .* in access exclusive mode"
SWAP = HIDDEN + ".* create schema if not exists"  # the locks and the moves are one round trip
TAIL = '"repot_tail" \\(false\\)'
REHEARSED = '"repot_tail" \\(true\\)'
OWN = "delete from repot.own_transaction"
ARMED = 'alter table "shop_v2".* enable always trigger "repot_capture_'
CAPTURE = 'create or replace trigger "repot_capture_upd"'
TAKE_LOG = 'with gone as \\(delete from "repot"."log_'
TAKE_TODO = 'with gone as \\(delete from "repot"."todo_'
PHASE = "update repot.run set phase"

LAST_BUILD = ("'copy', 'built'", COMMIT)

BACKUP: Parts = {
    "test": [
        ("snapshot", "after!", ("pg_export_snapshot",)),
        ("counting what came back", "during 2*", ('count.*from only "public"."product"',)),
        ("evidence", "during", ("insert into repot.evidence",)),
    ]
}
PLAN: Parts = {
    "trial": [
        ("a trial's view", "after*", ("create view .*items",)),
        ("a trial's view", "during", ("create view .*purchases",)),
    ]
}
BUILD: Parts = {
    "arming": [
        ("the run", "after", ("insert into repot.run ",)),
        ("views", "after", (BUILDING, 'create view "repot_view"."items"')),
        ("capture", "before 3", (CAPTURE,)),
        ("the build's commit", "before", LAST_BUILD),
        ("the build's commit", "during*", LAST_BUILD),
        ("the build's commit", "after", LAST_BUILD),
    ]
}
FILL: Parts = {
    "chunk": [
        ("registry", "after", ("with wanted as materialized",)),
        ("registry's commit", "during", ("with wanted as materialized", COMMIT)),
        ("chunk", "during", ('insert into "shop_v2"."purchases"',)),
        ("checkpoint", "after 2*", ("update repot.chunk set done_at",)),
        ("chunk's commit", "before", ("update repot.chunk set done_at", COMMIT)),
        ("chunk's commit", "during 2!", ("update repot.chunk set done_at", COMMIT)),
        ("chunk's commit", "after 4", ("update repot.chunk set done_at", COMMIT)),
    ],
    "finish": [
        ("index", "during", ("create unique index items_pkey",)),
        ("index's commit", "before", ("^create unique index", "update repot.deferred", COMMIT)),
        ("index's commit", "during 3", ("^create unique index", "update repot.deferred", COMMIT)),
        ("key", "after", ('add constraint "items_pkey" primary key using index',)),
        ("foreign key", "after*", ("add constraint .* foreign key",)),
        ("validation", "during", ("validate constraint",)),
        ("validation's commit", "after 2", ("validate constraint", COMMIT)),
        ("trigger", "after", ("^create trigger items_touched",)),
        ("the copy's commit", "before", ("'copy', 'copied'", COMMIT)),
        ("the copy's commit", "during!", ("'copy', 'copied'", COMMIT)),
        ("the copy's commit", "after", ("'copy', 'copied'", COMMIT)),
    ],
}
APPLY: Parts = {
    "batch": [
        ("locating", "after", (TAKE_LOG,)),
        ("registry", "after", ("with wanted as materialized",)),
        ("picking", "after", (TAKE_TODO,)),
        ("applying", "after*", ('insert into "shop_v2"."items"',)),
        ("touching", "after", ('insert into "repot"."touched_',)),
        ("its commit", "before", (OWN, COMMIT)),
        ("its commit", "during!", (OWN, COMMIT)),
        ("its commit", "after", (OWN, COMMIT)),
    ]
}
SNAPSHOT: Parts = {
    "reverse capture": [
        ("a table's triggers", "after 2", (ARMED,)),
        ("its commit", "during*", (ARMED, COMMIT)),
    ],
    "snapshot": [
        ("epoch", "during", ("update repot.run set epoch",)),
        ("epoch", "after", ("update repot.run set epoch",)),
    ],
}
PROVE: Parts = {
    **SNAPSHOT,
    "snapshot": [
        *SNAPSHOT["snapshot"],
        ("snapshot", "after", ("pg_export_snapshot",)),
        ("proof", "during*", ("full join",)),
    ],
    "what was touched": [
        ("forgetting what was proven", "after", ('delete from "repot"."touched_1" where epoch',)),
        ("forgetting's commit", "during!", ("update repot.work set whole_epoch", COMMIT)),
        ("proof of what was touched", "during", ("2147483647|full join",)),
    ],
    "evidence": [
        ("evidence", "before", ("insert into repot.evidence .*'proof'",)),
        ("evidence", "during*", ("insert into repot.evidence .*'proof'",)),
    ],
}
TO_V2: Parts = {
    "before the locks": [
        ("bringing up", "after", ('insert into "shop_v2"."items"',)),
        ("bringing up's commit", "during", (OWN, COMMIT)),
        ("proof of what was touched", "during", ("full join",)),
        ("its commit", "after", ("full join", COMMIT)),
        ("rehearsal", "during", (REHEARSED,)),
        ("rehearsal", "after", (REHEARSED,)),
        ("memory", "after*", ("insert into repot.moved",)),
        ("carrying over by a call", "during", (TAIL,)),
        ("carrying over's commit", "during!", (TAIL, COMMIT)),
        ("carrying over's commit", "after 2", (TAIL, COMMIT)),
    ],
    "under the locks": [
        ("stopping writers", "after", STOPPED[:1]),
        ("stopping writers", "after 2", STOPPED[:1]),
        ("draining and proof", "before", (*STOPPED, TAIL)),
        ("draining and proof", "during!", (*STOPPED, TAIL)),
        ("draining and proof", "after", (*STOPPED, TAIL)),
        ("swap", "before", (SWAP,)),
        ("swap", "during", (SWAP,)),
        ("swap", "after*", (SWAP,)),
        ("sequences", "after", ("setval",)),
        ("phase", "after", (PHASE,)),
    ],
    "COMMIT": [
        ("COMMIT", "before", (PHASE, COMMIT)),
        ("COMMIT", "during*!", (PHASE, COMMIT)),
    ],
    "after COMMIT": [
        ("COMMIT", "after*", (PHASE, COMMIT)),
        ("what is due", "before", ("from repot.afterwards",)),
    ],
}
