-- Repot's own first; Prisma's only by whoever has that.
select mine, case when mine then pg_catalog.pg_try_advisory_lock(%(prisma)s) else false end
  from pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('repot.migrate', 0)) as mine
