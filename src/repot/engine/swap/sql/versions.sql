-- The versions of the catalogs' rows of all that a file of outside/ may change.
with relation as (
  select c.oid, c.xmin
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where n.nspname <> all (%(except)s) and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
)
select 'pg_catalog.pg_class'::regclass::oid::bigint, c.oid::bigint,
       (select string_agg(x.version, ' ' order by x.version)
          from (select r.oid || ':' || r.xmin as version from pg_catalog.pg_rewrite r
                 where r.ev_class = c.oid and r.ev_type = '1'
                 union all select c.xmin::text) x)
  from relation c
  join pg_catalog.pg_class k on k.oid = c.oid and k.relkind in ('v', 'm')
union all
select 'pg_catalog.pg_trigger'::regclass::oid::bigint, t.oid::bigint, t.xmin::text
  from pg_catalog.pg_trigger t join relation c on c.oid = t.tgrelid where not t.tgisinternal
union all
select 'pg_catalog.pg_rewrite'::regclass::oid::bigint, t.oid::bigint, t.xmin::text
  from pg_catalog.pg_rewrite t join relation c on c.oid = t.ev_class where t.ev_type <> '1'
union all
select 'pg_catalog.pg_policy'::regclass::oid::bigint, t.oid::bigint, t.xmin::text
  from pg_catalog.pg_policy t join relation c on c.oid = t.polrelid
union all
select 'pg_catalog.pg_constraint'::regclass::oid::bigint, t.oid::bigint, t.xmin::text
  from pg_catalog.pg_constraint t join relation c on c.oid = t.conrelid where t.contype = 'f'
union all
select 'pg_catalog.pg_attrdef'::regclass::oid::bigint, t.oid::bigint, t.xmin::text
  from pg_catalog.pg_attrdef t join relation c on c.oid = t.adrelid
union all
select 'pg_catalog.pg_proc'::regclass::oid::bigint, p.oid::bigint, p.xmin::text
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where n.nspname <> all (%(except)s) and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
