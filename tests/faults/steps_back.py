"""The steps of the way back, of both ways at once, and of the end."""

from __future__ import annotations

from faults.step import Parts
from faults.steps_there import HIDDEN, OWN, PHASE, STOPPED, SWAP, TAKE_LOG
from faults.watching import COMMIT

# Opening both ways gives V2's capture new logs.
OPEN: Parts = {
    "opening": [
        ("taking logs away", "after 2", ('drop table if exists "repot"."log_',)),
        ("capture", "after 3", ('create or replace function "repot"."capture_1_back_',)),
        ("its commit", "before", ("set both_ways", COMMIT)),
        ("its commit", "during*", ("set both_ways", COMMIT)),
        ("its commit", "after", ("set both_ways", COMMIT)),
    ],
}
BOTH: Parts = {
    "batch, both ways": [
        ("taking off V1's log", "after", (TAKE_LOG,)),
        ("V1's to V2", "after", ('update "shop_v2"."items"',)),
        ("V2's to V1", "after", ('delete from "public"."purchase"',)),
        ("V2's to V1", "during", ('update "public"."bundle"',)),
        ("its commit", "before", (OWN, COMMIT)),
        ("its commit", "during!", (OWN, COMMIT)),
        ("its commit", "after", (OWN, COMMIT)),
    ]
}
BOTH_SWITCH: Parts = {
    "both ways, under the locks": [("swap", "after!", (SWAP,))],
    "both ways, COMMIT": [
        ("COMMIT", "before", (PHASE, COMMIT)),
        ("COMMIT", "during*", (PHASE, COMMIT)),
        ("COMMIT", "after", (PHASE, COMMIT)),
    ],
}
CARRY_BACK: Parts = {
    "batch back": [
        ("locating", "after", (TAKE_LOG,)),
        ("applying", "after", ('insert into "shop_old"."purchase"',)),
        ("its commit", "before", (OWN, COMMIT)),
        ("its commit", "during*", (OWN, COMMIT)),
        ("its commit", "after", (OWN, COMMIT)),
    ]
}
TO_V1: Parts = {
    "before the locks": [
        ("carrying back", "after*", ('insert into "shop_old"."purchase"',)),
        ("carrying back's commit", "during", (OWN, COMMIT)),
    ],
    "under the locks": [
        ("stopping writers", "after 2", STOPPED[:1]),
        ("quarantine", "after", ('insert into "repot_quarantine"',)),
        ("swap", "during!", (HIDDEN + '.* alter table only "public"."items"',)),
        ("swap", "after", (HIDDEN + '.* alter table only "public"."items"',)),
        ("deriving V2 anew", "after", (HIDDEN, 'insert into "shop_v2"."items"')),
    ],
    "COMMIT": [
        ("COMMIT", "before", (PHASE, COMMIT)),
        ("COMMIT", "during*!", (PHASE, COMMIT)),
    ],
    "after COMMIT": [
        ("COMMIT", "after", (PHASE, COMMIT)),
        ("disarming", "after 2*", ('drop table if exists "repot"."log_',)),
        ("disarming's commit", "during", ('drop table if exists "repot"."touched_', COMMIT)),
    ],
}
V1_GOES: Parts = {
    "dropping V1": [
        ("locking V1", "during", ('lock table "shop_old"',)),
        ("disarming", "after 3", ('drop trigger if exists "repot_capture_upd"',)),
        ("dropping views", "after", ('drop schema if exists "repot_view" cascade',)),
        ("dropping V1", "during", ('drop table .*"shop_old"',)),
        ("dropping V1", "after", ('drop table .*"shop_old"',)),
        ("COMMIT", "before", (PHASE, COMMIT)),
        ("COMMIT", "during!", (PHASE, COMMIT)),
        ("COMMIT", "after", (PHASE, COMMIT)),
    ]
}
V2_GOES: Parts = {
    "dropping V2": [
        ("disarming", "after 3", ('drop trigger if exists "repot_capture_upd"',)),
        ("dropping V2", "during", ('drop schema if exists "shop_v2" cascade',)),
        ("V2's COMMIT", "before", ("'copy', 'dropped'", PHASE, COMMIT)),
        ("V2's COMMIT", "during", ("'copy', 'dropped'", PHASE, COMMIT)),
        ("V2's COMMIT", "after*", ("'copy', 'dropped'", PHASE, COMMIT)),
        ("COMMIT", "during", ("insert into repot.evidence", PHASE, COMMIT)),
        ("COMMIT", "after", ("insert into repot.evidence", PHASE, COMMIT)),
    ]
}
