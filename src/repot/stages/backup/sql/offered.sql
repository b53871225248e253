-- What this scratch server offers.
select array(select name::text from pg_catalog.pg_available_extensions) as extensions,
       exists (select from pg_catalog.pg_collation c where c.collprovider = 'i') as icu,
       (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user) as superuser
