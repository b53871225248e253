select pg_catalog.to_regclass('auth.users') is not null as users,
  exists (select from pg_catalog.pg_attribute where attrelid = pg_catalog.to_regclass('auth.users')
    and attname = 'email') as email,
  pg_catalog.to_regclass('auth.identities') is not null as identities
