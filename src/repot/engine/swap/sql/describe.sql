-- What the objects are: kind, name, the relation that they belong to, schema. Parts of relations
-- that are nobody's own business (indexes, row types, keys, internal triggers) are left out.
with node as (
  select n.class, n.oid from unnest(%(classes)s::oid[], %(oids)s::oid[]) n(class, oid)
),
placed as (
  select n.class, n.oid, n.class::regclass::text as catalog,
         coalesce(c.oid, tg.tgrelid, po.polrelid, nullif(co.conrelid, 0), ad.adrelid, rw.ev_class,
                  pr.prrelid, st.stxrelid) as relation,
         coalesce(
           case when c.relkind = 'v' then 'view' when c.relkind = 'm' then 'matview'
                when c.relkind in ('i', 'I', 't', 'S') then 'part'
                when c.oid is not null then 'relation' end,
           case when tg.tgisinternal or tg.tgparentid <> 0 then 'part'
                when tg.oid is not null then 'trigger' end,
           case when po.oid is not null then 'policy' end,
           case when co.contype = 'f' and co.conparentid = 0 then 'foreign key'
                when co.contype in ('f', 'p', 'u', 'x', 'n') then 'part'
                when co.oid is not null then 'check' end,
           case when ad.oid is not null then 'default' end,
           case when rw.oid is not null then 'rule' end,
           case when pc.oid is not null then 'routine' end,
           case when pr.oid is not null then 'part' end,
           case when ty.typrelid <> 0 and tc.relkind <> 'c' or el.oid is not null then 'part'
                when ty.oid is not null then 'type' end,
           case when st.oid is not null then 'statistics' end,
           'other') as kind,
         coalesce(c.relname, tg.tgname, po.polname, co.conname, rw.rulename, pc.proname, ty.typname,
                  at.attname)::text as name,
         coalesce(c.relnamespace, pc.pronamespace, ty.typnamespace, st.stxnamespace,
                  nullif(co.connamespace, 0)) as namespace
    from node n
    left join pg_catalog.pg_class c
      on n.class = 'pg_catalog.pg_class'::regclass and c.oid = n.oid
    left join pg_catalog.pg_trigger tg
      on n.class = 'pg_catalog.pg_trigger'::regclass and tg.oid = n.oid
    left join pg_catalog.pg_policy po
      on n.class = 'pg_catalog.pg_policy'::regclass and po.oid = n.oid
    left join pg_catalog.pg_constraint co
      on n.class = 'pg_catalog.pg_constraint'::regclass and co.oid = n.oid
    left join pg_catalog.pg_attrdef ad
      on n.class = 'pg_catalog.pg_attrdef'::regclass and ad.oid = n.oid
    left join pg_catalog.pg_attribute at on at.attrelid = ad.adrelid and at.attnum = ad.adnum
    left join pg_catalog.pg_rewrite rw
      on n.class = 'pg_catalog.pg_rewrite'::regclass and rw.oid = n.oid
    left join pg_catalog.pg_proc pc
      on n.class = 'pg_catalog.pg_proc'::regclass and pc.oid = n.oid
    left join pg_catalog.pg_type ty
      on n.class = 'pg_catalog.pg_type'::regclass and ty.oid = n.oid
    left join pg_catalog.pg_class tc on tc.oid = ty.typrelid
    left join pg_catalog.pg_type el on el.typarray = ty.oid
    left join pg_catalog.pg_publication_rel pr
      on n.class = 'pg_catalog.pg_publication_rel'::regclass and pr.oid = n.oid
    left join pg_catalog.pg_statistic_ext st
      on n.class = 'pg_catalog.pg_statistic_ext'::regclass and st.oid = n.oid
)
select p.class::bigint, p.oid::bigint, p.kind, coalesce(p.name, i.name, i.identity),
       coalesce(rn.nspname, pn.nspname, i.schema) as home, r.relname::text, p.relation::bigint,
       r.relkind::text, i.type, i.identity
  from placed p
  left join pg_catalog.pg_class r on r.oid = p.relation
  left join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
  left join pg_catalog.pg_namespace pn on pn.oid = p.namespace
 cross join lateral pg_catalog.pg_identify_object(p.class, p.oid, 0) i
 where p.kind <> 'part'
 order by p.class, p.oid
