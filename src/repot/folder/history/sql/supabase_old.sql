select version, null, null from supabase_migrations.schema_migrations order by version collate "C"
