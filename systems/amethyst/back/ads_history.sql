-- What only ads_history had, and V2's views, for it can name the platform.
select
  v.id, v.user_id as profile_id, v.ad_id, v.credits_earned,
  v.viewed_at at time zone 'UTC' as watched_at, v.duration_seconds as watched_duration, v.completed,
  v.platform,
  case
    when h.id is not null then v.metadata
    else case when jsonb_typeof(v.metadata) = 'object' then v.metadata else '{}' end
         || jsonb_build_object('v2', jsonb_build_object(
              'client_view_id', v.client_view_id, 'metadata', v.metadata))
  end as metadata
from ad_views v
left join advert_of_v1 k on k.place = 'ad_views' and k.id = v.id
left join advert_of_v1 h on h.place = 'ads_history' and h.id = v.id
where k.id is null and v.platform <> 'unknown'
