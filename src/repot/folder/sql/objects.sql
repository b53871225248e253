-- Every object of the schemas with its properties, for comparing two databases object by object.
-- Set search_path to pg_catalog first: definitions then name everything in full. What belongs to an
-- extension, Repot's own schemas and the history tables are left out. `within`: the table that an
-- object belongs to. Properties that are NULL are as if there were none.
with own_schema as materialized (
  select n.oid, n.nspname, n.nspowner, n.nspacl
    from pg_catalog.pg_namespace n
   where n.nspname not in ('pg_catalog', 'information_schema', 'supabase_migrations', 'repot')
     and n.nspname !~ '^(pg_(toast|temp)|repot_)'
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_namespace'::regclass and d.objid = n.oid
                        and d.deptype = 'e')
), part as materialized (
  select d.classid, d.objid from pg_catalog.pg_depend d where d.deptype = 'e'
), relation as materialized (
  select c.*, quote_ident(s.nspname) || '.' || quote_ident(c.relname) as full_name
    from pg_catalog.pg_class c
    join own_schema s on s.oid = c.relnamespace
   where c.relname <> '_prisma_migrations' and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
     and not exists (select from part e
                      where e.objid = c.oid and e.classid = 'pg_catalog.pg_class'::regclass)
)
select 'schema' as kind, quote_ident(s.nspname) as name, null as within,
       jsonb_build_object('owner', pg_get_userbyid(s.nspowner), 'rights', (
         select jsonb_agg(a::text order by a::text)
           from unnest(coalesce(s.nspacl, acldefault('n', s.nspowner))) a)) as properties
  from own_schema s
union all
select 'extension', quote_ident(e.extname), null,
       jsonb_build_object('version', e.extversion, 'schema', n.nspname)
  from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
union all
select case r.relkind when 'v' then 'view' when 'm' then 'materialized view'
                      when 'f' then 'foreign table' else 'table' end,
       r.full_name, null,
       jsonb_build_object(
         'owner', pg_get_userbyid(r.relowner),
         'rights', (select jsonb_agg(a::text order by a::text)
                      from unnest(coalesce(r.relacl, acldefault('r', r.relowner))) a),
         'definition', case when r.relkind in ('v', 'm') then pg_get_viewdef(r.oid) end,
         'partitioned by', case when r.relkind = 'p' then pg_get_partkeydef(r.oid) end,
         'partition', pg_get_expr(r.relpartbound, r.oid),
         'parents', (select jsonb_agg(i.inhparent::regclass::text order by i.inhseqno)
                       from pg_catalog.pg_inherits i where i.inhrelid = r.oid),
         'unlogged', nullif(r.relpersistence = 'u', false),
         'row level security', case when r.relkind in ('r', 'p') then
           case when r.relforcerowsecurity then 'forced' when r.relrowsecurity then 'on' else 'off' end
         end,
         'replica identity', nullif(r.relreplident, case when r.relkind in ('r', 'p') then 'd'
                                                         else 'n' end::"char"),
         'options', to_jsonb(r.reloptions),
         'comment', obj_description(r.oid, 'pg_class'))
  from relation r where r.relkind <> 'S'
union all
select 'column', r.full_name || '.' || quote_ident(a.attname), r.full_name,
       jsonb_build_object(
         'type', format_type(a.atttypid, a.atttypmod),
         'null', case when a.attnotnull then 'not null' else 'null' end,
         'default', case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end,
         'generated', case when a.attgenerated <> '' then pg_get_expr(d.adbin, d.adrelid) end,
         'identity', nullif(a.attidentity, ''),
         'collation', nullif(a.attcollation, t.typcollation)::regcollation::text,
         'rights', to_jsonb(a.attacl::text[]),
         'comment', col_description(r.oid, a.attnum))
  from relation r
  join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  join pg_catalog.pg_type t on t.oid = a.atttypid
  left join pg_catalog.pg_attrdef d on d.adrelid = r.oid and d.adnum = a.attnum
 where r.relkind in ('r', 'p', 'f')
union all
select 'constraint', coalesce(r.full_name, k.contypid::regtype::text) || '.' || quote_ident(k.conname),
       r.full_name,
       jsonb_build_object('definition', pg_get_constraintdef(k.oid), 'validated', k.convalidated)
  from pg_catalog.pg_constraint k
  join own_schema s on s.oid = k.connamespace
  left join relation r on r.oid = k.conrelid
 where (k.conrelid = 0 or r.oid is not null) and k.contype not in ('n', 't') and k.conparentid = 0
union all
select 'index', quote_ident(s.nspname) || '.' || quote_ident(x.relname), r.full_name,
       jsonb_build_object('definition', pg_get_indexdef(i.indexrelid), 'valid', i.indisvalid)
  from pg_catalog.pg_index i
  join relation r on r.oid = i.indrelid
  join pg_catalog.pg_class x on x.oid = i.indexrelid
  join own_schema s on s.oid = x.relnamespace
 where not exists (select from pg_catalog.pg_constraint k
                    where k.conindid = i.indexrelid and k.conrelid = i.indrelid
                      and k.contype in ('p', 'u', 'x'))
union all
select 'sequence', r.full_name, null,
       jsonb_build_object(
         'owner', pg_get_userbyid(r.relowner),
         'rights', (select jsonb_agg(a::text order by a::text)
                      from unnest(coalesce(r.relacl, acldefault('s', r.relowner))) a),
         'type', format_type(q.seqtypid, null), 'start', q.seqstart, 'step', q.seqincrement,
         'least', q.seqmin, 'greatest', q.seqmax, 'cache', q.seqcache, 'cycle', q.seqcycle,
         'owned by', (select d.refobjid::regclass::text || '.' || quote_ident(a.attname)
                        from pg_catalog.pg_depend d
                        join pg_catalog.pg_attribute a
                          on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
                       where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = r.oid
                         and d.refclassid = 'pg_catalog.pg_class'::regclass
                         and d.deptype in ('a', 'i') limit 1))
  from relation r join pg_catalog.pg_sequence q on q.seqrelid = r.oid
union all
select case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'c' then 'composite type'
                      else 'range type' end,
       quote_ident(s.nspname) || '.' || quote_ident(t.typname), null,
       jsonb_build_object(
         'owner', pg_get_userbyid(t.typowner),
         'labels', (select jsonb_agg(l.enumlabel order by l.enumsortorder)
                      from pg_catalog.pg_enum l where l.enumtypid = t.oid),
         'base', case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end,
         'null', case when t.typtype = 'd' and t.typnotnull then 'not null' end,
         'default', case when t.typtype = 'd' then t.typdefault end,
         'attributes', (select jsonb_agg(quote_ident(a.attname) || ' '
                                         || format_type(a.atttypid, a.atttypmod) order by a.attnum)
                          from pg_catalog.pg_attribute a
                         where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0
                           and not a.attisdropped),
         'subtype', (select format_type(g.rngsubtype, null) from pg_catalog.pg_range g
                      where g.rngtypid = t.oid),
         'rights', to_jsonb(t.typacl::text[]))
  from pg_catalog.pg_type t
  join own_schema s on s.oid = t.typnamespace
  left join pg_catalog.pg_class c on c.oid = t.typrelid
 where (t.typtype in ('e', 'd', 'r') or (t.typtype = 'c' and c.relkind = 'c'))
   and not exists (select from part e
                    where e.objid = t.oid and e.classid = 'pg_catalog.pg_type'::regclass)
union all
select case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
       p.oid::regprocedure::text, null,
       jsonb_build_object(
         'owner', pg_get_userbyid(p.proowner),
         'rights', (select jsonb_agg(a::text order by a::text)
                      from unnest(coalesce(p.proacl, acldefault('f', p.proowner))) a),
         'definition', case when p.prokind = 'a' then (
             select concat_ws(' ', g.aggtransfn::text, g.aggfinalfn::text,
                              format_type(g.aggtranstype, null), g.agginitval)
               from pg_catalog.pg_aggregate g where g.aggfnoid = p.oid)
           else pg_get_functiondef(p.oid) end)
  from pg_catalog.pg_proc p
  join own_schema s on s.oid = p.pronamespace
 where not exists (select from part e
                    where e.objid = p.oid and e.classid = 'pg_catalog.pg_proc'::regclass)
union all
select 'trigger', r.full_name || '.' || quote_ident(g.tgname), r.full_name,
       jsonb_build_object('definition', pg_get_triggerdef(g.oid), 'enabled', g.tgenabled)
  from relation r join pg_catalog.pg_trigger g on g.tgrelid = r.oid
 where not g.tgisinternal and g.tgparentid = 0
union all
select 'rule', r.full_name || '.' || quote_ident(w.rulename), r.full_name,
       jsonb_build_object('definition', pg_get_ruledef(w.oid), 'enabled', w.ev_enabled)
  from relation r join pg_catalog.pg_rewrite w on w.ev_class = r.oid and w.rulename <> '_RETURN'
union all
select 'policy', r.full_name || '.' || quote_ident(p.polname), r.full_name,
       jsonb_build_object(
         'command', p.polcmd, 'permissive', p.polpermissive,
         'roles', (select jsonb_agg(case when x = 0 then 'public' else pg_get_userbyid(x) end order by x)
                     from unnest(p.polroles) x),
         'using', pg_get_expr(p.polqual, p.polrelid),
         'check', pg_get_expr(p.polwithcheck, p.polrelid))
  from relation r join pg_catalog.pg_policy p on p.polrelid = r.oid
union all
select 'statistics', quote_ident(s.nspname) || '.' || quote_ident(x.stxname), null,
       jsonb_build_object('definition', pg_get_statisticsobjdef(x.oid))
  from pg_catalog.pg_statistic_ext x join own_schema s on s.oid = x.stxnamespace
union all
select 'publication', quote_ident(p.pubname), null,
       jsonb_build_object('all tables', p.puballtables, 'tables', (
         select jsonb_agg(quote_ident(x.schemaname) || '.' || quote_ident(x.tablename)
                          order by x.schemaname, x.tablename)
           from pg_catalog.pg_publication_tables x where x.pubname = p.pubname))
  from pg_catalog.pg_publication p
union all
select 'event trigger', quote_ident(v.evtname), null,
       jsonb_build_object('event', v.evtevent, 'function', v.evtfoid::regprocedure::text,
                          'enabled', v.evtenabled, 'tags', to_jsonb(v.evttags))
  from pg_catalog.pg_event_trigger v
 where not exists (select from part e
                    where e.objid = v.oid and e.classid = 'pg_catalog.pg_event_trigger'::regclass)
union all
select 'default rights', concat_ws(' ', pg_get_userbyid(a.defaclrole), quote_ident(n.nspname),
                                   a.defaclobjtype), null,
       jsonb_build_object('rights', (select jsonb_agg(x::text order by x::text)
                                       from unnest(a.defaclacl) x))
  from pg_catalog.pg_default_acl a left join pg_catalog.pg_namespace n on n.oid = a.defaclnamespace
