insert into public.ad_views (id, profile_id, ad_id, view_duration, completed, created_at,
                             credits_earned, metadata)
select
  pg_temp.key('advert', v.i),
  case when pg_temp.r(100, v.i) >= 0.004 then pg_temp.key('user', v.owner) end,
  v.ad,
  case when pg_temp.r(101, v.i) < 0.9 then v.seconds end,
  case when pg_temp.r(102, v.i) < 0.9 then v.seconds >= 15 end,
  v.at,
  case when v.seconds >= 30 then 2 when v.seconds >= 15 then 1 else 0 end,
  case when pg_temp.r(103, v.i) < 0.3 then jsonb_build_object('campaign', 'c' || v.i) end
from views v
where v.places <> 'history'
