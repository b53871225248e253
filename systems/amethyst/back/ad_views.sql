-- What came from V1's ad_views, and V2's views of which no platform is known; see
-- back/credit_transactions.sql for 'v2'.
select
  v.id, v.user_id as profile_id, v.ad_id, v.duration_seconds as view_duration, v.completed,
  v.viewed_at at time zone 'UTC' as created_at, v.credits_earned,
  case
    when k.id is not null then v.metadata
    else case when jsonb_typeof(v.metadata) = 'object' then v.metadata else '{}' end
         || jsonb_build_object('v2', jsonb_build_object(
              'client_view_id', v.client_view_id, 'metadata', v.metadata))
  end as metadata
from ad_views v
left join advert_of_v1 k on k.place = 'ad_views' and k.id = v.id
where k.id is not null or v.platform = 'unknown'
