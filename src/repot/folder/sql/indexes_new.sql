-- Indexes that came since; without a table only those that REINDEX CONCURRENTLY leaves. One that
-- somebody is building just now is busy.
select n.nspname, c.relname, i.indisvalid,
       exists (select from pg_catalog.pg_stat_progress_create_index p
                where p.index_relid = i.indexrelid and p.pid <> pg_catalog.pg_backend_pid())
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where i.indexrelid <> all(%(known)s::oid[])
   and case when %(table)s::oid is null
            then not i.indisvalid and c.relname ~ '_cc(new|old)[0-9]*$'
            else i.indrelid = %(table)s::oid end
