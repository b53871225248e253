-- The tables of the run by identity: what the plan calls them, and what they are called now (null:
-- dropped). `unlogged`, `rewritten`: since their ground was noted.
select r.side, r.schema, r.name, r.oid::bigint, n.nspname, c.relname,
       coalesce(c.relpersistence = 'u' and g.version is not null
                and not pg_catalog.starts_with(g.version, 'u '), false) as unlogged
  from repot.relation r
  left join pg_catalog.pg_class c on c.oid = r.oid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join repot.ground g on g.run = r.run and g.kind = 'table' and g.oid = r.oid
 where r.run = %(run)s
 order by r.side, r.schema collate "C", r.name collate "C"
