insert into supabase_migrations.schema_migrations (version, name, statements)
values (%(version)s, %(name)s, %(statements)s::text[])
on conflict (version) do update set name = excluded.name, statements = excluded.statements
