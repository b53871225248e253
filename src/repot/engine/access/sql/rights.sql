-- What a role holds on relations, as the catalog says it: whether a refusal comes from a grant.
select c.oid::bigint                                                    as oid,
       pg_catalog.has_schema_privilege(r.oid, c.relnamespace, 'USAGE')  as usage,
       pg_catalog.has_table_privilege(r.oid, c.oid, 'SELECT')           as whole,
       pg_catalog.has_table_privilege(r.oid, c.oid, 'DELETE')           as delete,
       pg_catalog.has_table_privilege(r.oid, c.oid, 'TRUNCATE')         as truncate,
       coalesce(pg_catalog.array_agg(a.attname::text) filter (where pg_catalog.has_column_privilege(
         r.oid, c.oid, a.attnum, 'SELECT')), '{}')                      as select,
       coalesce(pg_catalog.array_agg(a.attname::text) filter (where pg_catalog.has_column_privilege(
         r.oid, c.oid, a.attnum, 'INSERT')), '{}')                      as insert,
       coalesce(pg_catalog.array_agg(a.attname::text) filter (where pg_catalog.has_column_privilege(
         r.oid, c.oid, a.attnum, 'UPDATE')), '{}')                      as update
  from pg_catalog.pg_roles r,
       pg_catalog.pg_class c
  left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 where r.rolname = %(role)s and c.oid = any (%(oids)s::oid[])
 group by r.oid, c.oid, c.relnamespace
