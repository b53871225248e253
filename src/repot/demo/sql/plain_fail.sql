update "_prisma_migrations" set logs = %(logs)s where id = %(id)s
