-- What is neither rolled back nor forgotten: applied, or failed.
select migration_name, finished_at is not null from "_prisma_migrations" where rolled_back_at is null
