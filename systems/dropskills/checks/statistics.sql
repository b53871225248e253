-- Every pack has its line, and the favourites in it are those that there are.
select p.id, s.favorites_count, f.favorites
from packs p
left join pack_stats s on s.pack_id = p.id
left join (select pack_id, count(*) as favorites from favorites group by pack_id) f on f.pack_id = p.id
where s.pack_id is null or s.favorites_count <> coalesce(f.favorites, 0)
