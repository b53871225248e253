-- Prices are whole cents, not negative, and free means free.
select id, price, is_free
from packs
where price <> round(price, 2) or price < 0 or price = 'NaN' or is_free is distinct from (price = 0)
