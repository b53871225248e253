-- The indexes to rebuild: invalid ones, and those that are mostly empty by the statistics.
select n.nspname as schema, c.relname as name, pg_relation_size(c.oid) as bytes
  from pg_index i
  join pg_class c on c.oid = i.indexrelid
  join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'i' and pg_has_role(c.relowner, 'USAGE')
   and n.oid = any (repot_upkeep.schemas_of(jsonb_build_object('schemas', to_jsonb(%(schemas)s::text[]))))
   and not exists (select from pg_stat_progress_create_index p where p.index_relid = c.oid)
   and ((%(invalid)s and not (i.indisvalid and i.indisready))
        or (%(bloated)s and exists (
              select from repot_upkeep.bloat_estimates(array[n.oid], %(min_bytes)s) e
               where e.oid = c.oid and 100 * e.spare / e.bytes >= %(percent)s)))
 order by c.oid
