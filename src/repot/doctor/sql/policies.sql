-- Policies made for a role by name, and whether the role has the right that the policy is about.
select n.nspname as schema, c.relname as "table", p.polname as policy, r.rolname as role,
  case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE'
    when 'd' then 'DELETE' else 'ALL' end as command
from pg_catalog.pg_policy p
join pg_catalog.pg_class c on c.oid = p.polrelid and c.relrowsecurity
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join lateral unnest(p.polroles) as named (oid)
join pg_catalog.pg_roles r on r.oid = named.oid
where n.nspname <> all (%(managed)s) and c.oid <> all (%(aside)s::oid[]) and p.polpermissive
  and not case p.polcmd
    when 'r' then pg_catalog.has_any_column_privilege(r.oid, c.oid, 'SELECT')
    when 'a' then pg_catalog.has_any_column_privilege(r.oid, c.oid, 'INSERT')
    when 'w' then pg_catalog.has_any_column_privilege(r.oid, c.oid, 'UPDATE')
    when 'd' then pg_catalog.has_table_privilege(r.oid, c.oid, 'DELETE')
    else pg_catalog.has_any_column_privilege(r.oid, c.oid, 'SELECT')
      or pg_catalog.has_any_column_privilege(r.oid, c.oid, 'INSERT')
      or pg_catalog.has_any_column_privilege(r.oid, c.oid, 'UPDATE')
      or pg_catalog.has_table_privilege(r.oid, c.oid, 'DELETE') end
order by 1, 2, 3, 4
