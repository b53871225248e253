"""Repot's own schemas in the target database."""

STATE = "repot"  # runs, events, evidence, chunks, captured changes
REGISTRY = "repot_registry"  # values that need memory
REGISTRY_SQL = "repot_registry_sql"  # the SELECTs that say which keys need a value
SQL = "repot_sql"  # the users' SELECTs, as views
VIEW = "repot_view"  # the same, cast to the V2 tables' types: the forward views
BACK_SQL = "repot_back_sql"  # the ways back as written (or derived), over V2
BACK = "repot_back"  # the same, cast to the V1 tables' types
LOOP_SQL = "repot_loop_sql"  # the same texts compiled over the forward views
LOOP = "repot_loop"  # cast: each V1 row as V2 remembers it
TRACE = "repot_trace"  # locate and pairs views
QUARANTINE = "repot_quarantine"  # V1 rows left out, V2 rows not carried back

ALL = (STATE, REGISTRY, REGISTRY_SQL, SQL, VIEW, BACK_SQL, BACK, LOOP_SQL, LOOP, TRACE, QUARANTINE)
