-- The tables %(oids)s (roots) and all that is below them, with what their replica identity tells.
with recursive family as (
  select o.oid::oid as root, o.oid::oid as oid
    from pg_catalog.unnest(%(oids)s::bigint[]) as o (oid)
  union
  select f.root, i.inhrelid
    from family f join pg_catalog.pg_inherits i on i.inhparent = f.oid
)
select f.root::bigint, f.oid::bigint, n.nspname, c.relname, c.relkind::text, c.relpersistence::text,
       c.relreplident::text, x.indexrelid::bigint,
       array(select a.attname::text
               from pg_catalog.pg_attribute a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                and (c.relreplident = 'f' or a.attnum = any (x.indkey::int2[]))),
       exists (select from pg_catalog.pg_index k
                where k.indrelid = c.oid and k.indisprimary and k.indimmediate and k.indisvalid),
       array(select a.attname::text from pg_catalog.pg_attribute a
              where a.attrelid = c.oid and a.attnum > 0 and a.attgenerated <> ''),
       pg_catalog.pg_has_role(c.relowner, 'USAGE'),
       exists (select from pg_catalog.pg_publication_rel p
                where p.prrelid = c.oid
                  and pg_catalog.to_jsonb(p) ->> 'prattrs' is not null)  -- from PostgreSQL 15 on
  from family f
  join pg_catalog.pg_class c on c.oid = f.oid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  -- A deferrable key is no replica identity.
  left join pg_catalog.pg_index x
    on x.indrelid = c.oid and x.indisvalid and x.indimmediate
   and case c.relreplident when 'd' then x.indisprimary when 'i' then x.indisreplident end
 order by f.root, f.oid
