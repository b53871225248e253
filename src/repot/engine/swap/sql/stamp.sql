-- Of each catalog from which a switch is laid out, how many rows it has and how old they are, counted
-- in transactions since this one: a row that is changed is younger than the one it replaces, so that
-- with as many rows the sum is less. What temporary tables bring is left out where it can be told at
-- once; the columns and keys of both sides are in drift's fingerprint.
select pg_catalog.concat_ws(' ',
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_namespace
    where nspname !~ '^pg_'),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_class
    where relpersistence <> 't' and relkind <> 't'),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_inherits),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_constraint
    where contype in ('f', 'c', 't')),
  (select (count(*), sum(pg_catalog.age(d.xmin)::bigint))
     from pg_catalog.pg_attrdef d join pg_catalog.pg_class c on c.oid = d.adrelid
    where c.relpersistence <> 't'),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_trigger
    where not tgisinternal),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_rewrite),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_policy),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_proc),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_type
    where typtype <> 'c' and typcategory <> 'A'),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_enum),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_operator),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_opclass),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_opfamily),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_collation),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_conversion),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_ts_config),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_ts_dict),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_statistic_ext),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_extension),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_event_trigger),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_publication),
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_publication_rel),
  -- members of extensions, and sequences that columns own
  (select (count(*), sum(pg_catalog.age(xmin)::bigint)) from pg_catalog.pg_depend
    where deptype = 'e'),
  (select (count(*), sum(pg_catalog.age(d.xmin)::bigint))
     from pg_catalog.pg_class c
     join pg_catalog.pg_depend d
       on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
      and d.deptype in ('a', 'i')
    where c.relkind = 'S' and c.relpersistence <> 't'))
