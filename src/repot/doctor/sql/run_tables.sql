-- The tables of the newest run of each project, while it is a run: those that serve, and the others.
select r.oid::bigint as oid, n.nspname = run.plan ->> 'source_schema' or r.side = 'outside' as serves
from repot.relation r
join repot.run on run.id = r.run
join pg_catalog.pg_class c on c.oid = r.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where run.phase in ('copying', 'copied', 'rolled_back', 'cut_over')
  and not exists (select from repot.run later where later.project = run.project and later.id > run.id)
