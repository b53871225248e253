select
  f.user_id,
  f.product_id as pack_id,
  coalesce(f.created_at, timestamptz '1970-01-01 00:00:00+00') as created_at
from favorites f
