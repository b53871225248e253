select pg_catalog.to_regclass('repot.ddl') is not null
   and pg_catalog.to_regclass('repot.ground') is not null
