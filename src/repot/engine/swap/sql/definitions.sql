-- How each object would be made again, as the server prints it (search_path is empty: in full).
-- %(classes)s, %(oids)s: the objects; both null: all that outside/*.sql could change, outside of
-- the schemas %(except)s.
with kept as (
  select oid, nspname from pg_catalog.pg_namespace
   where nspname <> all (%(except)s) and nspname !~ '^pg_' and nspname <> 'information_schema'
     and nspname !~ '^repot_aside_'
),
relation as (
  select c.oid from pg_catalog.pg_class c where c.relnamespace in (select oid from kept)
),
wanted as materialized (
  select s.class, s.oid from unnest(%(classes)s::oid[], %(oids)s::oid[]) s(class, oid)
  union all
  select a.class, a.oid
    from (
      select 'pg_catalog.pg_class'::regclass::oid as class, oid from relation
      union all
      select 'pg_catalog.pg_trigger'::regclass, oid from pg_catalog.pg_trigger
       where not tgisinternal and tgrelid in (select oid from relation)
      union all
      select 'pg_catalog.pg_rewrite'::regclass, oid from pg_catalog.pg_rewrite
       where ev_type <> '1' and ev_class in (select oid from relation)
      union all
      select 'pg_catalog.pg_policy'::regclass, oid from pg_catalog.pg_policy
       where polrelid in (select oid from relation)
      union all
      select 'pg_catalog.pg_constraint'::regclass, oid from pg_catalog.pg_constraint
       where contype = 'f' and conrelid in (select oid from relation)
      union all
      select 'pg_catalog.pg_attrdef'::regclass, oid from pg_catalog.pg_attrdef
       where adrelid in (select oid from relation)
      union all
      select 'pg_catalog.pg_proc'::regclass, oid from pg_catalog.pg_proc
       where pronamespace in (select oid from kept)) a
   where %(classes)s::oid[] is null
     and (a.class, a.oid) not in (
           select classid, objid from pg_catalog.pg_depend where deptype = 'e')
)
select v.class::bigint, v.oid::bigint, v.kind, v.schema, v.relation, v.name, v.detail
  from (
    select 'pg_catalog.pg_class'::regclass::oid as class, c.oid,
           case c.relkind when 'v' then 'view' else 'matview' end as kind,
           n.nspname::text as schema, c.relname::text as relation, null::text as name,
           jsonb_build_object(
             'definition', pg_catalog.pg_get_viewdef(c.oid),
             'options', (select jsonb_agg(jsonb_build_array(o.option_name, o.option_value))
                           from pg_catalog.pg_options_to_table(c.reloptions) o),
             'owner', pg_catalog.pg_get_userbyid(c.relowner),
             'comment', pg_catalog.obj_description(c.oid, 'pg_class'),
             'acl', (select jsonb_agg(jsonb_build_array(
                            case x.grantee when 0 then null else pg_catalog.pg_get_userbyid(x.grantee) end,
                            x.privilege_type, x.is_grantable) order by x.grantee, x.privilege_type)
                       from pg_catalog.aclexplode(coalesce(c.relacl,
                            pg_catalog.acldefault('r', c.relowner))) x),
             'columns', (select jsonb_agg(jsonb_build_array(a.attname,
                            pg_catalog.col_description(c.oid, a.attnum),
                            pg_catalog.pg_get_expr(d.adbin, d.adrelid),
                            (select jsonb_agg(jsonb_build_array(
                               case x.grantee when 0 then null else pg_catalog.pg_get_userbyid(x.grantee) end,
                               x.privilege_type, x.is_grantable))
                               from pg_catalog.aclexplode(a.attacl) x)) order by a.attnum)
                           from pg_catalog.pg_attribute a
                           left join pg_catalog.pg_attrdef d
                             on d.adrelid = a.attrelid and d.adnum = a.attnum
                          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                            and (a.attacl is not null or d.oid is not null
                                 or pg_catalog.col_description(c.oid, a.attnum) is not null)),
             'method', (select m.amname from pg_catalog.pg_am m where m.oid = c.relam),
             'tablespace', (select s.spcname from pg_catalog.pg_tablespace s
                             where s.oid = c.reltablespace),
             'populated', c.relispopulated,
             'indexes', (select jsonb_agg(pg_catalog.pg_get_indexdef(i.indexrelid)
                                          order by i.indexrelid)
                           from pg_catalog.pg_index i where i.indrelid = c.oid)) as detail
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join wanted w on w.class = 'pg_catalog.pg_class'::regclass and w.oid = c.oid
     where c.relkind in ('v', 'm')
    union all
    select 'pg_catalog.pg_trigger'::regclass, t.oid, 'trigger', n.nspname, c.relname, t.tgname,
           jsonb_build_object('definition', pg_catalog.pg_get_triggerdef(t.oid),
             'enabled', t.tgenabled, 'constraint', t.tgconstraint <> 0,
             'view', c.relkind = 'v',
             'comment', pg_catalog.obj_description(t.oid, 'pg_trigger'))
      from pg_catalog.pg_trigger t
      join pg_catalog.pg_class c on c.oid = t.tgrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join wanted w on w.class = 'pg_catalog.pg_trigger'::regclass and w.oid = t.oid
     where not t.tgisinternal and t.tgparentid = 0
    union all
    select 'pg_catalog.pg_rewrite'::regclass, r.oid, 'rule', n.nspname, c.relname, r.rulename,
           jsonb_build_object('definition', pg_catalog.pg_get_ruledef(r.oid),
             'enabled', r.ev_enabled,
             'comment', pg_catalog.obj_description(r.oid, 'pg_rewrite'))
      from pg_catalog.pg_rewrite r
      join pg_catalog.pg_class c on c.oid = r.ev_class
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join wanted w on w.class = 'pg_catalog.pg_rewrite'::regclass and w.oid = r.oid
     where r.ev_type <> '1'
    union all
    select 'pg_catalog.pg_policy'::regclass, p.oid, 'policy', n.nspname, c.relname, p.polname,
           jsonb_build_object('command', p.polcmd, 'permissive', p.polpermissive,
             'roles', (select jsonb_agg(case r.oid when 0 then null
                                        else pg_catalog.pg_get_userbyid(r.oid) end)
                         from unnest(p.polroles) r(oid)),
             'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
             'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
             'comment', pg_catalog.obj_description(p.oid, 'pg_policy'))
      from pg_catalog.pg_policy p
      join pg_catalog.pg_class c on c.oid = p.polrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join wanted w on w.class = 'pg_catalog.pg_policy'::regclass and w.oid = p.oid
    union all
    select 'pg_catalog.pg_constraint'::regclass, k.oid, 'foreign key', n.nspname, c.relname, k.conname,
           jsonb_build_object('definition', pg_catalog.pg_get_constraintdef(k.oid),
             'validated', k.convalidated, 'partitioned', c.relkind = 'p',
             'comment', pg_catalog.obj_description(k.oid, 'pg_constraint'))
      from pg_catalog.pg_constraint k
      join pg_catalog.pg_class c on c.oid = k.conrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join wanted w on w.class = 'pg_catalog.pg_constraint'::regclass and w.oid = k.oid
     where k.contype = 'f' and k.conparentid = 0
    union all
    select 'pg_catalog.pg_attrdef'::regclass, d.oid, 'default', n.nspname, c.relname, a.attname,
           jsonb_build_object('definition', pg_catalog.pg_get_expr(d.adbin, d.adrelid))
      from pg_catalog.pg_attrdef d
      join pg_catalog.pg_class c on c.oid = d.adrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
      join wanted w on w.class = 'pg_catalog.pg_attrdef'::regclass and w.oid = d.oid
     where a.attgenerated = ''
    union all
    select 'pg_catalog.pg_proc'::regclass, p.oid, 'routine', n.nspname, null, p.proname,
           jsonb_build_object('definition', pg_catalog.pg_get_functiondef(p.oid),
             'identity', (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, p.oid, 0)).identity,
             'type', case p.prokind when 'p' then 'procedure' else 'function' end,
             'owner', pg_catalog.pg_get_userbyid(p.proowner),
             'comment', pg_catalog.obj_description(p.oid, 'pg_proc'),
             'acl', (select jsonb_agg(jsonb_build_array(
                            case x.grantee when 0 then null else pg_catalog.pg_get_userbyid(x.grantee) end,
                            x.privilege_type, x.is_grantable) order by x.grantee)
                       from pg_catalog.aclexplode(coalesce(p.proacl,
                            pg_catalog.acldefault('f', p.proowner))) x))
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      join wanted w on w.class = 'pg_catalog.pg_proc'::regclass and w.oid = p.oid
     where p.prokind in ('f', 'p', 'w')
  ) v
 order by 1, 2
