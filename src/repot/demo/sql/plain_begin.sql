insert into "_prisma_migrations" (id, checksum, started_at, migration_name)
values (%(id)s, %(checksum)s, now(), %(name)s)
