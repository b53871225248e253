select a.attname
  from pg_catalog.pg_attribute a
 where a.attrelid = pg_catalog.to_regclass('supabase_migrations.schema_migrations')
   and a.attnum > 0 and not a.attisdropped
