-- The settings that a built-in has, with their defaults; null where one must be given.
-- `repot.upkeep.care.settings` says what each means; a test compares the two.
create or replace function repot_upkeep.defaults(builtin text) returns jsonb
  language sql immutable set search_path = pg_catalog, pg_temp as $$
  select ('{
    "counters": {"table": null, "set": null, "where": "true", "chunk": 1000},
    "failed": {"table": null, "where": null, "column": null, "older_than": "1 hour",
               "time_zone": "UTC", "examples": 5, "severity": "warning", "mark": {}, "chunk": 1000},
    "temporary": {"table": null, "column": null, "older_than": null, "where": "true",
                  "time_zone": "UTC", "chunk": 1000, "max_rows": 0, "cascade": false},
    "analyze": {"schemas": [], "changed_percent": 0},
    "indexes": {"schemas": [], "unused_after": "14 days", "min_bytes": 1000000, "min_rows": 1000},
    "bloat": {"schemas": [], "min_bytes": 10000000, "percent": 40, "exact_below_bytes": 1000000000},
    "sequences": {"schemas": [], "warn_percent": 70, "error_percent": 90, "behind": true},
    "wraparound": {"warn_percent_of_freeze": 120, "error_percent_of_limit": 50, "tables": 5},
    "sessions": {"transaction": "5 minutes", "idle": "5 minutes", "prepared": "1 hour",
                 "slot_bytes": 1000000000, "slot_idle": "1 day"},
    "archive": {"table": null, "into": "", "column": null, "older_than": null, "where": "true",
                "time_zone": "UTC", "chunk": 1000, "max_rows": 0, "moving": "refuse",
                "triggers": [], "foreign_keys": true, "session": {}, "partitions": "rows"}
  }'::jsonb) -> builtin
$$;

-- The settings as given, over the defaults; what is not known is an error.
create or replace function repot_upkeep.filled(builtin text, settings jsonb) returns jsonb
  language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  known jsonb := repot_upkeep.defaults(builtin);
  unknown text[];
begin
  unknown := array(select k from jsonb_object_keys(coalesce(settings, '{}')) k
                    where not known ? k and k <> 'so_far' order by k);
  if unknown <> '{}' then
    raise exception 'the built-in "%" has no setting %', builtin, array_to_string(unknown, ', ')
      using errcode = 'invalid_parameter_value',
            hint = 'its settings: ' || (select string_agg(k,
                ', ' order by k) from jsonb_object_keys(known) k);
  end if;
  return known || coalesce(settings, '{}');
end $$;
