-- The newest run of each project, and whether a follower is at work for it.
select distinct on (r.project) r.project, r.id,
  exists (select from pg_catalog.pg_locks l
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1
      and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
      and l.classid::bigint = (h.value >> 32) & 4294967295 and l.objid::bigint = h.value & 4294967295)
    as follower
from repot.run r
cross join lateral (select hashtextextended('repot.follow', r.id) as value) h
order by r.project, r.id desc
