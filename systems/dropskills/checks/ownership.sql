-- Whoever is let in has a beginning of access that is not after its end.
select id, user_id, pack_id, access_granted_at, access_expires_at
from user_packs
where access_expires_at < access_granted_at or amount_paid < 0
