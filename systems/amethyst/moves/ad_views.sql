-- Both of V1's tables as one, by the rule of the ledgers without references: the same person and advert,
-- cut where nothing happens for two minutes; in each piece the n-th of the one is the n-th of the
-- other. ad_views takes precedence; the platform is known to ads_history only. Naive times are UTC.
with view as not materialized (
  select
    v.profile_id as user_id, 1 as place_of, v.id, v.metadata ? 'v2' as on_v2, v.ad_id,
    null::text as platform, v.view_duration as seconds, v.completed, v.credits_earned,
    v.created_at as at, v.metadata
  from ad_views v
  where v.profile_id is not null
  union all
  select
    h.profile_id, 2, h.id, h.metadata ? 'v2', h.ad_id, h.platform, h.watched_duration, h.completed,
    h.credits_earned, h.watched_at, h.metadata
  from ads_history h
  where h.profile_id is not null
),
stepped as not materialized (
  select v.*,
    coalesce(v.on_v2, false) as born_on_v2,
    case when v.at - lag(v.at) over (
           partition by v.user_id, coalesce(v.on_v2, false), v.ad_id
           order by v.at, v.place_of, v.id) <= interval '2 minutes'
         then 0 else 1 end as begins
  from view v
),
cut as not materialized (
  select s.*,
    sum(s.begins) over (partition by s.user_id, s.born_on_v2, s.ad_id
                        order by s.at, s.place_of, s.id
                        rows between unbounded preceding and current row) as piece
  from stepped s
),
placed as not materialized (
  select c.*,
    row_number() over (partition by c.user_id, c.born_on_v2, c.ad_id, c.piece, c.place_of
                       order by c.at, c.id) as nth
  from cut c
),
paired as not materialized (
  select p.*,
    not p.born_on_v2
      and count(*) over pair = 2
      and max(p.at) over pair - min(p.at) over pair <= interval '2 minutes' as near,
    lead(p.id) over (partition by p.user_id, p.born_on_v2, p.ad_id, p.piece, p.nth
                     order by p.place_of) as next_id
  from placed p
  window pair as (partition by p.user_id, p.born_on_v2, p.ad_id, p.piece, p.nth)
),
merged as not materialized (
  select p.*, case when p.near then p.next_id end as twin
  from paired p
  where p.place_of = 1 or not p.near
)
select
  m.id,
  m.user_id,
  m.ad_id,
  coalesce(m.platform, t.platform, 'unknown') as platform,
  greatest(coalesce(m.seconds, t.watched_duration), 0) as duration_seconds,
  coalesce(m.completed, t.completed, false) as completed,
  greatest(m.credits_earned, 0) as credits_earned,
  m.at at time zone 'UTC' as viewed_at,
  case when m.born_on_v2 then m.metadata #>> '{v2,client_view_id}' end as client_view_id,
  case
    when m.born_on_v2 then m.metadata #> '{v2,metadata}'
    else coalesce(t.metadata, '{}') || coalesce(m.metadata, '{}')
  end as metadata
from merged m
join auth.users a on a.id = m.user_id
left join ads_history t on t.profile_id = m.user_id and t.id = m.twin
