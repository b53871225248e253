-- This role's rights on each table of a list (two arrays: schemas and names).
-- Ownership is the use of the owner's privileges (USAGE): a member that does not inherit has none.
select w.schema,
       w.name,
       c.oid is not null                                          as found,
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false)  as usage,
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), false) as create_in_schema,
       coalesce(pg_catalog.pg_has_role(n.nspowner, 'USAGE'), false)      as owns_schema,
       coalesce(pg_catalog.has_table_privilege(c.oid, 'SELECT'), false)  as readable,
       coalesce(pg_catalog.has_table_privilege(c.oid, 'TRIGGER'), false) as "trigger",
       coalesce(pg_catalog.pg_has_role(c.relowner, 'USAGE'), false)      as owns,
       coalesce(pg_catalog.pg_get_userbyid(c.relowner)::text, '')        as owner,
       coalesce(pg_catalog.pg_get_userbyid(n.nspowner)::text, '')        as schema_owner,
       coalesce(pg_catalog.row_security_active(c.oid), false)            as rows_hidden,
       coalesce(c.relforcerowsecurity, false)                            as forced
  from unnest(%(schemas)s::text[], %(names)s::text[]) with ordinality w (schema, name, place)
  left join pg_catalog.pg_namespace n on n.nspname = w.schema
  left join pg_catalog.pg_class c
    on c.relnamespace = n.oid and c.relname = w.name and c.relkind in ('r', 'p')
 order by w.place
