-- The commands noted for each of the objects, the newest first.
select o.oid::bigint, d.role, d.application, d.tag,
       pg_catalog.to_char(d.at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'
  from pg_catalog.unnest(%(oids)s::bigint[]) as o (oid)
  join repot.ddl d on d.oids @> array[o.oid::oid]
 where d.run = %(run)s
 order by d.id desc
