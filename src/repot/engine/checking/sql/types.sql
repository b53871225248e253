-- What names of types mean in the present search_path.
select t.name, t.type::oid::bigint, pg_catalog.format_type(t.type::oid, null)
from (select name, pg_catalog.to_regtype(name) as type from unnest(%(names)s::text[]) as n (name)) t
