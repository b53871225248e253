-- Every object of the schema, one line each, with names and never numbers, so that two databases
-- that were made alike list alike. Set search_path to pg_catalog first: then definitions are printed
-- with all names in full. What belongs to an extension is left to its name and version.
with own_schema as materialized (
  select n.oid, n.nspname, n.nspowner, n.nspacl
    from pg_catalog.pg_namespace n
   where n.nspname not in ('pg_catalog', 'information_schema', 'repot', 'repot_archive',
                           'supabase_migrations')
     and n.nspname !~ '^pg_(toast|temp)'
), extensions as materialized (
  select d.classid, d.objid from pg_catalog.pg_depend d where d.deptype = 'e'
), relation as materialized (
  select c.*, s.nspname, pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(c.relname) as full_name
    from pg_catalog.pg_class c
    join own_schema s on s.oid = c.relnamespace
   where c.relname <> '_prisma_migrations'
     and not exists (select from pg_catalog.pg_index i
                      join pg_catalog.pg_class t on t.oid = i.indrelid
                      where i.indexrelid = c.oid and t.relname = '_prisma_migrations')
     and (c.oid, 'pg_class'::pg_catalog.regclass) not in (
           select e.objid, e.classid::pg_catalog.regclass from extensions e)
), rights (kind, of, line) as (
  select 'schema', pg_catalog.quote_ident(s.nspname),
         pg_catalog.array_to_string(array(select a::text from pg_catalog.unnest(
           coalesce(s.nspacl, pg_catalog.acldefault('n', s.nspowner))) a order by 1), ' ')
    from own_schema s
  union all
  select 'relation', r.full_name,
         pg_catalog.array_to_string(array(select a::text from pg_catalog.unnest(
           coalesce(r.relacl, pg_catalog.acldefault(
             case when r.relkind = 'S' then 's' else 'r' end::"char", r.relowner))) a order by 1), ' ')
    from relation r where r.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  union all
  select 'column', r.full_name || '.' || pg_catalog.quote_ident(a.attname),
         pg_catalog.array_to_string(array(select x::text from pg_catalog.unnest(a.attacl) x order by 1), ' ')
    from relation r join pg_catalog.pg_attribute a on a.attrelid = r.oid
   where a.attacl is not null and not a.attisdropped
  union all
  select 'function', p.oid::pg_catalog.regprocedure::text,
         pg_catalog.array_to_string(array(select a::text from pg_catalog.unnest(
           coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a order by 1), ' ')
    from pg_catalog.pg_proc p join own_schema s on s.oid = p.pronamespace
   where not exists (select from extensions e where e.objid = p.oid
                      and e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
  union all
  select 'type', t.oid::pg_catalog.regtype::text,
         pg_catalog.array_to_string(array(select a::text from pg_catalog.unnest(t.typacl) a order by 1), ' ')
    from pg_catalog.pg_type t join own_schema s on s.oid = t.typnamespace
   where t.typacl is not null
)
select 'schema' as kind, pg_catalog.concat_ws(' ', pg_catalog.quote_ident(s.nspname),
         pg_catalog.pg_get_userbyid(s.nspowner)) as line
  from own_schema s
union all
select 'extension', pg_catalog.concat_ws(' ', e.extname, e.extversion, n.nspname)
  from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
union all
select 'relation', pg_catalog.concat_ws(' ', r.full_name, r.relkind, r.relpersistence,
         pg_catalog.pg_get_userbyid(r.relowner), 'rls', r.relrowsecurity, r.relforcerowsecurity,
         'replica', r.relreplident, 'options', r.reloptions::text,
         'partition', r.relispartition, pg_catalog.pg_get_expr(r.relpartbound, r.oid),
         case when r.relkind = 'p' then pg_catalog.pg_get_partkeydef(r.oid) end,
         case when r.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(r.oid) end,
         'comment', pg_catalog.obj_description(r.oid, 'pg_class'))
  from relation r where r.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
union all
select 'parent', pg_catalog.concat_ws(' ', r.full_name, i.inhparent::pg_catalog.regclass::text, i.inhseqno)
  from relation r join pg_catalog.pg_inherits i on i.inhrelid = r.oid
 where r.relkind in ('r', 'p', 'f')
union all
-- Their order is seen by `select *`; gaps that dropped columns leave are not.
select 'column', pg_catalog.concat_ws(' ', r.full_name,
         row_number() over (partition by r.oid order by a.attnum), pg_catalog.quote_ident(a.attname),
         pg_catalog.format_type(a.atttypid, a.atttypmod), 'not null', a.attnotnull,
         'identity', a.attidentity, 'generated', a.attgenerated,
         'collate', nullif(a.attcollation, t.typcollation)::pg_catalog.regcollation,
         'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid),
         'storage', nullif(a.attstorage, t.typstorage),
         'comment', pg_catalog.col_description(r.oid, a.attnum))
  from relation r
  join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  join pg_catalog.pg_type t on t.oid = a.atttypid
  left join pg_catalog.pg_attrdef d on d.adrelid = r.oid and d.adnum = a.attnum
 where r.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
union all
select 'constraint', pg_catalog.concat_ws(' ', coalesce(r.full_name, k.contypid::pg_catalog.regtype::text),
         pg_catalog.quote_ident(k.conname), pg_catalog.pg_get_constraintdef(k.oid), 'valid', k.convalidated)
  from pg_catalog.pg_constraint k
  join own_schema s on s.oid = k.connamespace
  left join relation r on r.oid = k.conrelid
 where (k.conrelid = 0 or r.oid is not null)
   -- Since PostgreSQL 18 NOT NULL is one, too: a column says it already, and this one's name may
   -- come from a table's earlier name.
   and k.contype <> 'n'
union all
select 'index', pg_catalog.concat_ws(' ', r.full_name, pg_catalog.pg_get_indexdef(i.indexrelid),
         'valid', i.indisvalid, 'ready', i.indisready, 'cluster', i.indisclustered,
         'replica', i.indisreplident)
  from relation r join pg_catalog.pg_index i on i.indexrelid = r.oid
union all
select 'sequence', pg_catalog.concat_ws(' ', r.full_name, pg_catalog.format_type(q.seqtypid, null),
         q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle, 'owned',
         (select pg_catalog.concat_ws('.', d.refobjid::pg_catalog.regclass::text, a.attname)
            from pg_catalog.pg_depend d
            join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
           where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = r.oid
             and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
             and d.deptype in ('a', 'i') limit 1))
  from relation r join pg_catalog.pg_sequence q on q.seqrelid = r.oid
union all
select 'type', pg_catalog.concat_ws(' ', t.oid::pg_catalog.regtype::text, t.typtype,
         pg_catalog.pg_get_userbyid(t.typowner),
         case when t.typtype = 'd' then pg_catalog.concat_ws(' ',
           pg_catalog.format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault) end,
         case when t.typtype = 'e' then (
           select pg_catalog.string_agg(pg_catalog.quote_literal(l.enumlabel), ', ' order by l.enumsortorder)
             from pg_catalog.pg_enum l where l.enumtypid = t.oid) end,
         case when t.typtype = 'r' then (
           select pg_catalog.format_type(g.rngsubtype, null) from pg_catalog.pg_range g
            where g.rngtypid = t.oid) end)
  from pg_catalog.pg_type t
  join own_schema s on s.oid = t.typnamespace
 where t.typtype in ('d', 'e', 'r') and not exists (
         select from extensions e where e.objid = t.oid
            and e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass)
union all
select 'function', pg_catalog.concat_ws(' ', p.oid::pg_catalog.regprocedure::text, p.prokind,
         pg_catalog.pg_get_userbyid(p.proowner),
         case when p.prokind = 'a' then pg_catalog.concat_ws(' ', g.aggtransfn::text, g.aggfinalfn::text,
                                                  pg_catalog.format_type(g.aggtranstype, null), g.agginitval)
              else pg_catalog.pg_get_functiondef(p.oid) end)
  from pg_catalog.pg_proc p
  join own_schema s on s.oid = p.pronamespace
  left join pg_catalog.pg_aggregate g on g.aggfnoid = p.oid
 where not exists (select from extensions e where e.objid = p.oid
                      and e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
union all
select 'trigger', pg_catalog.concat_ws(' ', r.full_name, pg_catalog.pg_get_triggerdef(g.oid), g.tgenabled)
  from relation r join pg_catalog.pg_trigger g on g.tgrelid = r.oid and not g.tgisinternal
union all
select 'rule', pg_catalog.concat_ws(' ', r.full_name, pg_catalog.pg_get_ruledef(w.oid), w.ev_enabled)
  from relation r join pg_catalog.pg_rewrite w on w.ev_class = r.oid and w.rulename <> '_RETURN'
union all
select 'policy', pg_catalog.concat_ws(' ', r.full_name, pg_catalog.quote_ident(p.polname), p.polcmd, p.polpermissive,
         array(select case when x = 0 then 'public' else pg_catalog.pg_get_userbyid(x) end
                 from pg_catalog.unnest(p.polroles) x order by 1)::text,
         'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
         'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
  from relation r join pg_catalog.pg_policy p on p.polrelid = r.oid
union all
select 'statistics', pg_catalog.pg_get_statisticsobjdef(x.oid)
  from pg_catalog.pg_statistic_ext x join own_schema s on s.oid = x.stxnamespace
union all
select 'publication', pg_catalog.concat_ws(' ', p.pubname, p.puballtables, p.pubinsert, p.pubupdate,
         p.pubdelete, p.pubtruncate,
         (select pg_catalog.string_agg(x.schemaname || '.' || x.tablename, ', ' order by x.schemaname, x.tablename)
            from pg_catalog.pg_publication_tables x where x.pubname = p.pubname))
  from pg_catalog.pg_publication p
union all
select 'event trigger', pg_catalog.concat_ws(' ', v.evtname, v.evtevent,
         v.evtfoid::pg_catalog.regprocedure::text, v.evtenabled, v.evttags::text)
  from pg_catalog.pg_event_trigger v
 where not exists (select from extensions e where e.objid = v.oid
                      and e.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass)
union all
select 'default rights', pg_catalog.concat_ws(' ', pg_catalog.pg_get_userbyid(a.defaclrole), n.nspname, a.defaclobjtype,
         array(select x::text from pg_catalog.unnest(a.defaclacl) x order by 1)::text)
  from pg_catalog.pg_default_acl a left join pg_catalog.pg_namespace n on n.oid = a.defaclnamespace
union all
select 'rights', pg_catalog.concat_ws(' ', x.kind, x.of, x.line) from rights x
