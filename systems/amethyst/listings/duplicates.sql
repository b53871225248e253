-- What V1 has twice and V2 once: the row that stays, the one that is merged into it, and why they are
-- the same. Worked out as in moves/credit_transactions@balances=ledger.sql and moves/ad_views.sql.
with movement as not materialized (
  select
    c.profile_id as user_id, 1 as ledger, c.id, c.metadata ? 'v2' as on_v2,
    coalesce(c.metadata #>> '{v2,kind}', c.type) as kind,
    c.amount, c.description, c.created_at, c.metadata,
    coalesce(c.metadata ->> 'payment_intent', c.metadata ->> 'ad_view_id') as reference
  from credit_transactions c
  where c.profile_id is not null and c.amount <> 0
  union all
  select
    o.profile_id, 2, o.id, false,
    case o.type when 'reward' then 'ad_reward' when 'usage' then 'generation' else o.type end,
    case when o.type = 'usage' then - abs(o.amount) else o.amount end,
    o.description, o.created_at at time zone 'UTC', o.metadata,
    coalesce(o.metadata ->> 'payment_intent', o.metadata ->> 'ad_view_id')
  from credits_transactions o
  where o.profile_id is not null and o.amount <> 0
),
-- 1. By reference: the n-th of the one ledger is the n-th of the other.
numbered as not materialized (
  select m.*,
    coalesce(m.on_v2, false) as born_on_v2,
    row_number() over (partition by m.user_id, coalesce(m.on_v2, false), m.kind, m.reference, m.ledger
                       order by m.created_at, m.id) as nth
  from movement m
),
referred as not materialized (
  select n.*,
    not n.born_on_v2 and n.reference is not null
      and count(*) over (partition by n.user_id, n.born_on_v2, n.kind, n.reference, n.nth) = 2 as shared,
    lead(n.id) over (partition by n.user_id, n.born_on_v2, n.kind, n.reference, n.nth
                     order by n.ledger) as shared_twin
  from numbered n
),
-- 2. What is left, by time: the same kind and amount, cut where nothing happens for two minutes; in
-- each piece the n-th of the one ledger is the n-th of the other.
stepped as not materialized (
  select r.*,
    case when r.created_at - lag(r.created_at) over (
           partition by r.user_id, r.born_on_v2, r.shared, r.kind, r.amount
           order by r.created_at, r.ledger, r.id) <= interval '2 minutes'
         then 0 else 1 end as begins
  from referred r
),
cut as not materialized (
  select s.*,
    sum(s.begins) over (partition by s.user_id, s.born_on_v2, s.shared, s.kind, s.amount
                        order by s.created_at, s.ledger, s.id
                        rows between unbounded preceding and current row) as piece
  from stepped s
),
placed as not materialized (
  select c.*,
    row_number() over (partition by c.user_id, c.born_on_v2, c.shared, c.kind, c.amount, c.piece,
                                    c.ledger
                       order by c.created_at, c.id) as place
  from cut c
),
paired as not materialized (
  select p.*,
    not p.born_on_v2 and not p.shared
      and count(*) over pair = 2
      and max(p.created_at) over pair - min(p.created_at) over pair <= interval '2 minutes'
      and count(p.reference) over pair < 2 as near,  -- two references would be two movements
    lead(p.id) over (partition by p.user_id, p.born_on_v2, p.shared, p.kind, p.amount, p.piece, p.place
                     order by p.ledger) as near_twin,
    lead(p.reference) over (partition by p.user_id, p.born_on_v2, p.shared, p.kind, p.amount, p.piece, p.place
                            order by p.ledger) as near_reference,
    lead(p.nth) over (partition by p.user_id, p.born_on_v2, p.shared, p.kind, p.amount, p.piece, p.place
                      order by p.ledger) as near_nth
  from placed p
  window pair as (partition by p.user_id, p.born_on_v2, p.shared, p.kind, p.amount, p.piece, p.place)
),
-- One row for each movement; of two, that of credit_transactions.
merged as not materialized (
  select p.*,
    case when p.shared then p.shared_twin when p.near then p.near_twin end as twin,
    case when p.reference is null and p.near then p.near_reference else p.reference end as named,
    case when p.reference is null and p.near then p.near_nth else p.nth end as nth_named
  from paired p
  where p.ledger = 1 or not (p.shared or p.near)
),
view as not materialized (
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
view_stepped as not materialized (
  select v.*,
    coalesce(v.on_v2, false) as born_on_v2,
    case when v.at - lag(v.at) over (
           partition by v.user_id, coalesce(v.on_v2, false), v.ad_id
           order by v.at, v.place_of, v.id) <= interval '2 minutes'
         then 0 else 1 end as begins
  from view v
),
view_cut as not materialized (
  select s.*,
    sum(s.begins) over (partition by s.user_id, s.born_on_v2, s.ad_id
                        order by s.at, s.place_of, s.id
                        rows between unbounded preceding and current row) as piece
  from view_stepped s
),
view_placed as not materialized (
  select c.*,
    row_number() over (partition by c.user_id, c.born_on_v2, c.ad_id, c.piece, c.place_of
                       order by c.at, c.id) as nth
  from view_cut c
),
view_paired as not materialized (
  select p.*,
    not p.born_on_v2
      and count(*) over pair = 2
      and max(p.at) over pair - min(p.at) over pair <= interval '2 minutes' as near,
    lead(p.id) over (partition by p.user_id, p.born_on_v2, p.ad_id, p.piece, p.nth
                     order by p.place_of) as next_id
  from view_placed p
  window pair as (partition by p.user_id, p.born_on_v2, p.ad_id, p.piece, p.nth)
),
view_merged as not materialized (
  select p.*, case when p.near then p.next_id end as twin
  from view_paired p
  where p.place_of = 1 or not p.near
)
select 'movement' as what, m.user_id as profile, m.id::text as stays, t.id::text as merged,
       case when m.shared then 'the same reference: ' || m.reference
            else 'the same kind, amount and time' end as why
from merged m
join credits_transactions t on t.profile_id = m.user_id and t.id = m.twin
union all
select 'advert', v.user_id, v.id::text, h.id::text, 'the same advert and time'
from view_merged v
join ads_history h on h.profile_id = v.user_id and h.id = v.twin
union all
select 'ban', null, min(b.place || ' ' || b.email), max(b.place || ' ' || b.email),
       'the same address: ' || b.address
from (
  select lower(e.email) as address, 'banned_emails' as place, e.email, e.reason, e.banned_at,
         e.banned_by
  from banned_emails e
  union all
  select lower(u.email), 'banned_users', u.email, u.reason, u.banned_at at time zone 'UTC', u.banned_by
  from banned_users u
) b
group by b.address
having count(*) > 1
order by 1, 2, 3
