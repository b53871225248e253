-- V1 can only say that somebody owns a pack of its table packs.
select o.pack_id as "A", o.user_id as "B"
from user_packs o
join pack_slug s on s.source = 'pack' and s.id = o.pack_id
