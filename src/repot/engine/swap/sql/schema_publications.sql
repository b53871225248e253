-- Publications of all tables of a schema.
select p.pubname
  from pg_catalog.pg_publication_namespace s
  join pg_catalog.pg_publication p on p.oid = s.pnpubid
  join pg_catalog.pg_namespace n on n.oid = s.pnnspid
 where n.nspname = %(schema)s
 order by p.pubname collate "C"
