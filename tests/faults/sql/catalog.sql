-- One line per thing a user of the database could miss: what it is, and its definition.
-- The numbers in the names of Repot's capture functions are left out: they count attempts.
with places as (
  select oid, nspname from pg_namespace
   where nspname !~ '^(pg_|information_schema$|repot|faults)'),
relations as (
  select c.*, format('%s.%s', p.nspname, c.relname) as called
    from pg_class c join places p on p.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'S'))
select 'schema ' || p.nspname, format('owner %s, rights %s', pg_get_userbyid(n.nspowner), n.nspacl)
  from places p join pg_namespace n on n.oid = p.oid
union all
select 'relation ' || called,
       format('kind %s, owner %s, rights %s, rls %s %s, identity %s, persistence %s, options %s, comment %s',
              relkind, pg_get_userbyid(relowner), relacl, relrowsecurity, relforcerowsecurity,
              relreplident, relpersistence, reloptions, obj_description(oid, 'pg_class'))
  from relations
union all
select format('column %s.%s', called, a.attname),
       format('place %s, type %s, not null %s, identity "%s", generated "%s", default %s, rights %s, comment %s',
              a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
              a.attgenerated, pg_get_expr(d.adbin, d.adrelid), a.attacl,
              col_description(a.attrelid, a.attnum))
  from relations r
  join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where r.relkind <> 'S'
union all
select format('constraint %s on %s', k.conname, called),
       format('%s, valid %s', pg_get_constraintdef(k.oid), k.convalidated)
  from relations r join pg_constraint k on k.conrelid = r.oid
union all
select format('index %s on %s', i.indexrelid::regclass, called),
       format('%s, valid %s, clustered %s', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered)
  from relations r join pg_index i on i.indrelid = r.oid
union all
select format('trigger %s on %s', t.tgname, called),
       format('%s, enabled %s', regexp_replace(pg_get_triggerdef(t.oid), 'capture_\d+', 'capture'),
              t.tgenabled)
  from relations r join pg_trigger t on t.tgrelid = r.oid where not t.tgisinternal
union all
select format('policy %s on %s', o.polname, called),
       format('%s %s %s, using %s, check %s', o.polcmd, o.polpermissive,
              (select array_agg(pg_get_userbyid(x)) from unnest(o.polroles) x),
              pg_get_expr(o.polqual, o.polrelid), pg_get_expr(o.polwithcheck, o.polrelid))
  from relations r join pg_policy o on o.polrelid = r.oid
union all
select 'definition of ' || called, format('%s, filled %s', pg_get_viewdef(oid), relispopulated)
  from relations where relkind in ('v', 'm')
union all
select 'function ' || p.oid::regprocedure,
       format('%s, owner %s, rights %s', pg_get_functiondef(p.oid), pg_get_userbyid(p.proowner), p.proacl)
  from pg_proc p where p.pronamespace in (select oid from places)
union all
select 'sequence of ' || called, format('step %s, owned by %s', s.seqincrement, d.refobjid::regclass)
  from relations r join pg_sequence s on s.seqrelid = r.oid
  left join pg_depend d on d.objid = r.oid and d.classid = 'pg_class'::regclass
   and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
