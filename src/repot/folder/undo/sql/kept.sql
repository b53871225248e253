-- What the archive holds, oldest first, with what came back of it so far.
select r.id as rollback, r.at, r.who, r.what, r.layout, k.id, k.migration, k.schema, k.name, k.kind,
       k.why, k.archive, k.columns, k.key, k.n, k.marks, k.afters, k.count, k.rows,
       coalesce((select sum(b.restored) from repot_archive.restored b where b.kept = k.id), 0)::bigint
         as restored
  from repot_archive.rollback r
  join repot_archive.kept k on k.rollback = r.id
 where %(rollback)s::bigint is null or r.id = %(rollback)s
 order by r.id, k.id
