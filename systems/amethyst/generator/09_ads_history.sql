-- Seconds later, sometimes with another reward.
insert into public.ads_history (id, profile_id, ad_id, credits_earned, watched_at, watched_duration,
                                completed, platform, metadata)
select
  pg_temp.key('history', v.i),
  case when pg_temp.r(110, v.i) >= 0.004 then pg_temp.key('user', v.owner) end,
  v.ad,
  case
    when pg_temp.r(111, v.i) < 0.2 then 1
    when v.seconds >= 30 then 2 when v.seconds >= 15 then 1 else 0
  end,
  v.at + case when v.places = 'both' then pg_temp.r(112, v.i) * interval '30 seconds'
              else interval '0' end,
  case when pg_temp.r(113, v.i) < 0.8 then v.seconds end,
  case when pg_temp.r(114, v.i) < 0.9 then v.seconds >= 30 end,
  v.platform,
  case when pg_temp.r(115, v.i) < 0.3 then jsonb_build_object('version', '2.' || mod(v.i, 9)) end
from views v
where v.places <> 'views'
