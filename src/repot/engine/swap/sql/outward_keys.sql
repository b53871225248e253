-- Foreign keys by which the tables would keep rows of others from being deleted: (key, the table it
-- refers to). Those with ON DELETE NO ACTION or RESTRICT to tables outside of %(both)s, and to tables of
-- the side whose own rows go with a row outside (ON DELETE CASCADE, over any number of steps).
-- %(every)s: all to tables outside instead, whatever they do (not of partitioned tables: those could
-- only be put back with all their rows checked at once).
with recursive reached as (
  select k.conrelid as oid
    from pg_catalog.pg_constraint k
   where k.contype = 'f' and k.confdeltype = 'c'
     and k.conrelid = any (%(oids)s::oid[]) and k.confrelid <> all (%(both)s::oid[])
  union
  select k.conrelid
    from reached r
    join pg_catalog.pg_constraint k on k.confrelid = r.oid
   where k.contype = 'f' and k.confdeltype = 'c' and k.conrelid = any (%(oids)s::oid[])
)
select k.oid::bigint, n.nspname, c.relname
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.confrelid
  join pg_catalog.pg_class t on t.oid = k.conrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where k.contype = 'f' and k.conparentid = 0 and k.conrelid = any (%(oids)s::oid[])
   and case when %(every)s
            then k.confrelid <> all (%(both)s::oid[]) and (t.relkind <> 'p' or k.confdeltype in ('a', 'r'))
            else k.confdeltype in ('a', 'r')
                 and (k.confrelid <> all (%(both)s::oid[]) or k.confrelid in (select oid from reached))
       end
 order by k.oid
