-- The search_path that a session of this role begins with, and the schemas of it that exist.
with setting as (select reset_val as path from pg_catalog.pg_settings where name = 'search_path'),
     word as (
       select case when part.name = '"$user"' or part.name = '$user' then current_user::text
                   else replace(trim(both '"' from part.name), '""', '"') end as name,
              part.place
         from setting, unnest(regexp_split_to_array(path, '\s*,\s*')) with ordinality part (name, place))
select (select path from setting),
       coalesce(array_agg(n.nspname::text order by word.place) filter (where n.oid is not null), '{}')
  from word left join pg_catalog.pg_namespace n on n.nspname = word.name
