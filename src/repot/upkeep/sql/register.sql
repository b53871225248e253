insert into repot_upkeep.task as t
  (name, project, kind, what, schedule, spec, time_zone, schema, sql, care, settings, in_database,
   timeout, catch_up, enabled, again, since)
values
  (%(name)s, %(project)s, %(kind)s, %(what)s, %(schedule)s, %(spec)s, %(time_zone)s, %(schema)s,
   %(sql)s, %(care)s, %(settings)s, %(in_database)s, %(timeout)s, %(catch_up)s, %(enabled)s,
   %(again)s, %(since)s)
on conflict (name) do update set
  project = excluded.project, kind = excluded.kind, what = excluded.what,
  schedule = excluded.schedule, spec = excluded.spec, time_zone = excluded.time_zone,
  schema = excluded.schema, sql = excluded.sql, care = excluded.care,
  settings = excluded.settings, in_database = excluded.in_database, timeout = excluded.timeout,
  catch_up = excluded.catch_up, enabled = excluded.enabled, again = excluded.again,
  -- Another schedule has no past.
  since = case when (t.spec, t.time_zone) is distinct from (excluded.spec, excluded.time_zone)
                 or excluded.enabled and not t.enabled
               then excluded.since else t.since end,
  updated_at = clock_timestamp()
where (t.project, t.kind, t.what, t.schedule, t.spec, t.time_zone, t.schema, t.sql, t.care,
       t.settings, t.in_database, t.timeout, t.catch_up, t.enabled, t.again)
  is distinct from
      (excluded.project, excluded.kind, excluded.what, excluded.schedule, excluded.spec,
       excluded.time_zone, excluded.schema, excluded.sql, excluded.care, excluded.settings,
       excluded.in_database, excluded.timeout, excluded.catch_up, excluded.enabled, excluded.again)
