-- Everything in V1's schemas that is neither table nor function, and what concerns them database-wide.
with chosen as (
  select oid, nspname, nspowner, nspacl from pg_catalog.pg_namespace
   where nspname = any (%(schemas)s)
), relations as (
  select c.*, n.nspname, array[n.nspname, c.relname]::text[] as shown
    from pg_catalog.pg_class c join chosen n on n.oid = c.relnamespace
   where not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                        and d.objsubid = 0 and d.deptype = 'e')
)
select case r.relkind when 'v' then 'view' when 'm' then 'materialized-view'
                      else 'foreign-table' end                     as kind,
       r.shown                                                     as name,
       null::text[]                                                as "table",
       pg_catalog.pg_get_userbyid(r.relowner)::text                as owner,
       jsonb_build_object('reads', (
         select jsonb_agg(distinct array[sn.nspname, s.relname])
           from pg_catalog.pg_rewrite w
           join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass
            and d.objid = w.oid and d.refclassid = 'pg_catalog.pg_class'::regclass
            and d.refobjid <> r.oid
           join pg_catalog.pg_class s on s.oid = d.refobjid
           join pg_catalog.pg_namespace sn on sn.oid = s.relnamespace
          where w.ev_class = r.oid))                               as detail
  from relations r where r.relkind in ('v', 'm', 'f')
union all
select case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'r' then 'range'
                      else 'composite' end,
       array[n.nspname, t.typname], null,
       pg_catalog.pg_get_userbyid(t.typowner)::text,
       jsonb_build_object(
         'values', (select jsonb_agg(e.enumlabel order by e.enumsortorder)
                      from pg_catalog.pg_enum e where e.enumtypid = t.oid),
         'base', case when t.typtype = 'd'
                      then pg_catalog.format_type(t.typbasetype, t.typtypmod) end)
  from pg_catalog.pg_type t join chosen n on n.oid = t.typnamespace
 where (t.typtype in ('e', 'd', 'r')
        or t.typtype = 'c' and exists (select from pg_catalog.pg_class c
                                        where c.oid = t.typrelid and c.relkind = 'c'))
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_type'::regclass and d.objid = t.oid
                      and d.deptype = 'e')
union all
select 'sequence', r.shown,
       (select array[tn.nspname, t.relname]
          from pg_catalog.pg_class t join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
         where t.oid = d.refobjid),
       pg_catalog.pg_get_userbyid(r.relowner)::text,
       jsonb_build_object(
         'column', a.attname, 'type', pg_catalog.format_type(s.seqtypid, null),
         'increment', s.seqincrement, 'start', s.seqstart,
         'last', case when pg_catalog.has_sequence_privilege(r.oid, 'USAGE, SELECT')
                      then pg_catalog.pg_sequence_last_value(r.oid::regclass) end,
         'readable', pg_catalog.has_sequence_privilege(r.oid, 'SELECT'),
         'cycle', s.seqcycle,
         'identity', coalesce(d.deptype = 'i', false),
         -- a bigint sequence behind an integer column ends where the column does
         'max', least(s.seqmax, case a.atttypid when 'int2'::regtype then 32767
                                                when 'int4'::regtype then 2147483647
                                                else s.seqmax end))
  from relations r
  join pg_catalog.pg_sequence s on s.seqrelid = r.oid
  left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass
   and d.objid = r.oid and d.refclassid = 'pg_catalog.pg_class'::regclass
   and d.deptype in ('a', 'i') and d.refobjsubid > 0
  left join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
union all
select 'grant', g.object, null, null,
       jsonb_build_object('to', g.grantee, 'privileges', jsonb_agg(g.privilege order by g.privilege),
                          'on', g.type)
  from (select r.shown as object, case r.relkind when 'S' then 'sequence' when 'v' then 'view'
                                                 else 'table' end as type,
               x.grantee as who, x.privilege_type as privilege, r.relowner as owner,
               case when x.grantee = 0 then 'public'
                    else pg_catalog.pg_get_userbyid(x.grantee)::text end as grantee
          from relations r, pg_catalog.aclexplode(r.relacl) x
        union all
        select r.shown || a.attname::text, 'column', x.grantee,
               x.privilege_type, r.relowner,
               case when x.grantee = 0 then 'public'
                    else pg_catalog.pg_get_userbyid(x.grantee)::text end
          from relations r join pg_catalog.pg_attribute a on a.attrelid = r.oid,
               pg_catalog.aclexplode(a.attacl) x
        union all
        select array[n.nspname]::text[], 'schema', x.grantee, x.privilege_type, n.nspowner,
               case when x.grantee = 0 then 'public'
                    else pg_catalog.pg_get_userbyid(x.grantee)::text end
          from chosen n, pg_catalog.aclexplode(n.nspacl) x) g
 where g.who <> g.owner
 group by g.object, g.type, g.grantee
union all
select 'default-privilege', array[coalesce(n.nspname, 'everywhere')], null,
       pg_catalog.pg_get_userbyid(d.defaclrole)::text,
       jsonb_build_object('on', case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences'
                                 when 'f' then 'functions' when 'T' then 'types' else 'schemas' end,
                          'acl', d.defaclacl::text[])
  from pg_catalog.pg_default_acl d left join chosen n on n.oid = d.defaclnamespace
 where d.defaclnamespace = 0 or n.oid is not null
union all
select 'extension', array[e.extname], null,
       pg_catalog.pg_get_userbyid(e.extowner)::text,
       jsonb_build_object('version', e.extversion, 'schema', n.nspname,
                          'within', n.nspname = any (%(schemas)s))
  from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
 where e.extname <> 'plpgsql'
union all
select 'publication', array[p.pubname], null,
       pg_catalog.pg_get_userbyid(p.pubowner)::text,
       jsonb_build_object('all_tables', p.puballtables,
         'tables', coalesce((select jsonb_agg(distinct array[t.schemaname, t.tablename])
                      from pg_catalog.pg_publication_tables t
                     where t.pubname = p.pubname and t.schemaname = any (%(schemas)s)), '[]'))
  from pg_catalog.pg_publication p
union all
select 'subscription', array[s.subname], null,
       pg_catalog.pg_get_userbyid(s.subowner)::text,
       jsonb_build_object('enabled', s.subenabled, 'publications', s.subpublications)
  from pg_catalog.pg_subscription s
  join pg_catalog.pg_database b on b.oid = s.subdbid and b.datname = current_database()
union all
select 'event-trigger', array[e.evtname], null,
       pg_catalog.pg_get_userbyid(e.evtowner)::text,
       jsonb_build_object('event', e.evtevent, 'enabled', e.evtenabled,
                          'function', e.evtfoid::regproc::text)
  from pg_catalog.pg_event_trigger e
 order by 1, 2, 3
