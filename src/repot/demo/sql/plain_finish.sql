update "_prisma_migrations" set applied_steps_count = 1, finished_at = now() where id = %(id)s
