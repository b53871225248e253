-- What a scratch server must be able to do to take this database.
select pg_catalog.pg_encoding_to_char(d.encoding)                 as encoding,
       d.datcollate, d.datctype,
       pg_catalog.pg_database_size(d.oid)                         as bytes,
       exists (select from pg_catalog.pg_collation c
                where c.collprovider = 'i'
                  and (c.oid >= 16384
                       or exists (select from pg_catalog.pg_attribute a
                                   where a.attcollation = c.oid))) as icu,
       (select r.rolsuper or r.rolcreatedb from pg_catalog.pg_roles r
         where r.rolname = current_user)                          as may_create_database
  from pg_catalog.pg_database d where d.datname = current_database()
