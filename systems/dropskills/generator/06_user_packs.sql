-- Every hundredth owner of a pack owns its twin as well: the same thing twice, under two keys.
insert into public."_UserPacks" ("A", "B")
select pg_temp.key('pack', 1 + p.pack), pg_temp.key('user', 1 + %(bare)s + p.owner)
from (
  select distinct d.pack, d.owner
  from (
    select pg_temp.popular(80, i, %(packs)s) as pack,
           pg_temp.pick(81, i, %(users)s::bigint - %(bare)s) as owner
    from generate_series(1, %(ownerships)s::bigint) i
    union all
    select 39 + 40 * pg_temp.pick(82, i, %(packs)s / 40) - t,
           pg_temp.pick(83, i, %(users)s::bigint - %(bare)s)
    from generate_series(1, %(ownerships)s::bigint / 100) i, generate_series(0, 1) t
    where %(packs)s::bigint >= 40
  ) d
) p
order by p.pack, p.owner
