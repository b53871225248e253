"""Ordered migration folders, as Prisma, Supabase or a team wrote them: read, examined, run."""
