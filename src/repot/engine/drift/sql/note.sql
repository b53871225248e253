-- Notes what the views of the run %(run)s, in the schemas %(views)s, stand on.
with recursive known as (
  select r.oid from repot.relation r where r.run = %(run)s
  union
  select i.inhrelid from known k join pg_catalog.pg_inherits i on i.inhparent = k.oid
), views as (
  select c.oid
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where n.nspname = any (%(views)s) and c.relkind = 'v'
  union
  -- What they read, when that is a view as well.
  select c.oid
    from views v
    join pg_catalog.pg_rewrite r on r.ev_class = v.oid
    join pg_catalog.pg_depend d
      on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = r.oid
     and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    join pg_catalog.pg_class c on c.oid = d.refobjid and c.relkind in ('v', 'm')
), rules as (
  select r.oid, r.ev_class, r.ev_action, r.ev_enabled, r.rulename
    from pg_catalog.pg_rewrite r
   where r.ev_class in (select oid from views) or r.ev_class in (select oid from known)
), columns as (
  select a.attrelid, a.attnum, a.attname, a.atttypid, a.xmin::text as version
    from pg_catalog.pg_attribute a
   where a.attrelid in (select oid from known) and a.attnum > 0 and not a.attisdropped
), things as (
  select 'table' as kind, c.oid, 0 as number,
         pg_catalog.format('%%I.%%I', n.nspname, c.relname) as name,
         pg_catalog.concat_ws(' ', c.relpersistence, c.relfilenode) as version
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.oid in (select oid from known)
  union all
  select 'column', attrelid, attnum, attname, version from columns
  union all
  select 'rule', r.oid, 0, pg_catalog.format('%%I.%%I', n.nspname, c.relname),
         pg_catalog.concat_ws(' ', pg_catalog.md5(r.ev_action::text), r.ev_enabled)
    from rules r
    join pg_catalog.pg_class c on c.oid = r.ev_class
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  union all
  select distinct 'function', f.oid, 0, pg_catalog.format('%%I.%%I', n.nspname, f.proname),
         pg_catalog.md5(pg_catalog.concat_ws(' ', f.prosrc, f.prosqlbody, f.probin, f.provolatile,
                                             f.proisstrict, f.proconfig))
    from rules r
    join pg_catalog.pg_depend d
      on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = r.oid
     and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    join pg_catalog.pg_proc f on f.oid = d.refobjid
    join pg_catalog.pg_namespace n on n.oid = f.pronamespace
  union all
  -- The text of an enum's value is what a move reads, and can be changed without a write.
  select distinct 'label', e.oid, 0, pg_catalog.format_type(e.enumtypid, -1), e.enumlabel
    from columns c
    join pg_catalog.pg_type t on t.oid = c.atttypid
    join pg_catalog.pg_enum e on e.enumtypid in (t.oid, t.typelem, t.typbasetype)
)
insert into repot.ground (run, kind, oid, number, name, version)
select %(run)s, kind, oid, number, name, version from things
