-- Columns with what holds for a value that goes into them: a domain's NOT NULL and default count too.
-- `format_type(…, -1)` and not NULL: the latter prints char(n) as character, which means char(1).
-- The functions of a default are read from its node tree: pg_depend leaves out built-in ones such as
-- now() and gen_random_uuid(). A cast through text may call anything, so it counts as not immutable.
with recursive chosen as (
  select c.oid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity,
         a.attgenerated, a.attcollation, a.attacl
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid
   where n.nspname = any (%(schemas)s)
     and c.relkind in ('r', 'p') and c.relpersistence <> 't'
     and a.attnum > 0 and not a.attisdropped
), domains as (
  select t.oid as top, t.oid, t.typbasetype, t.typnotnull
    from pg_catalog.pg_type t
   where t.typtype = 'd' and t.oid in (select atttypid from chosen)
  union all
  select d.top, t.oid, t.typbasetype, t.typnotnull
    from domains d
    join pg_catalog.pg_type t on t.oid = d.typbasetype
   where t.typtype = 'd'
), strict_domains as (
  select top from domains where typnotnull group by top
), defaults as (
  select ch.oid, ch.attnum,
         coalesce(pg_catalog.pg_get_expr(f.adbin, f.adrelid),
                  pg_catalog.pg_get_expr(t.typdefaultbin, 0)) as expression,
         coalesce(f.adbin, t.typdefaultbin)::text             as tree
    from chosen ch
    join pg_catalog.pg_type t on t.oid = ch.atttypid
    left join pg_catalog.pg_attrdef f on f.adrelid = ch.oid and f.adnum = ch.attnum
   where f.oid is not null or t.typdefaultbin is not null
)
select ch.oid::bigint                                          as oid,
       ch.attname                                              as name,
       pg_catalog.format_type(ch.atttypid, ch.atttypmod)       as type,
       pg_catalog.format_type(ch.atttypid, -1)                 as base_type,
       ch.atttypid::bigint                                     as type_oid,
       ch.atttypmod                                            as typmod,
       ch.attnotnull or s.top is not null                      as not_null,
       d.expression                                            as "default",
       ch.attidentity <> '' or coalesce(
         d.tree ~ '\{(NEXTVALUEEXPR|SQLVALUEFUNCTION|COERCEVIAIO) '
         or exists (select
                      from pg_catalog.regexp_matches(
                             d.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) ([0-9]+)', 'g') m
                      join pg_catalog.pg_proc f on f.oid = m[1]::oid
                     where f.provolatile <> 'i'), false)       as default_volatile,
       ch.attidentity::text                                    as identity,
       ch.attgenerated <> ''                                   as generated,
       coalesce(co.collisdeterministic, true)                  as deterministic,
       coalesce(ch.attacl::text[], '{}')                       as acl,
       pg_catalog.col_description(ch.oid, ch.attnum)           as comment
  from chosen ch
  left join strict_domains s on s.top = ch.atttypid
  left join defaults d on d.oid = ch.oid and d.attnum = ch.attnum
  left join pg_catalog.pg_collation co on co.oid = ch.attcollation
 order by ch.oid, ch.attnum
