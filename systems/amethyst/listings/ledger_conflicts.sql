-- Movements of which the two ledgers say different things, and what looks like one movement and is
-- left as two. credit_transactions takes precedence.
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
)
select 'amounts differ' as trouble, m.user_id as profile, m.id as first, t.id as second,
       m.amount as first_amount, t.amount as second_amount, m.created_at as first_at,
       t.created_at at time zone 'UTC' as second_at, 'merged: the first counts' as outcome
from merged m
join credits_transactions t on t.profile_id = m.user_id and t.id = m.twin
where m.amount <> case when t.type = 'usage' then - abs(t.amount) else t.amount end
union all
select 'times differ', m.user_id, m.id, t.id, m.amount, t.amount, m.created_at,
       t.created_at at time zone 'UTC', 'merged: they share a reference'
from merged m
join credits_transactions t on t.profile_id = m.user_id and t.id = m.twin
where abs(extract(epoch from m.created_at - t.created_at at time zone 'UTC')) > 120
union all
select 'one reference twice', n.user_id, n.id_before, n.id, n.amount_before, n.amount, n.before,
       n.created_at, 'both stay: the same ledger has both'
from (
  select n.*, lag(n.id) over again as id_before, lag(n.amount) over again as amount_before,
         lag(n.created_at) over again as before
  from numbered n
  where n.reference is not null and not n.born_on_v2
  window again as (partition by n.user_id, n.kind, n.reference, n.ledger order by n.nth)
) n
where n.nth > 1
union all
select 'local time', s.user_id, s.earlier[cardinality(s.earlier)], s.id, s.amount, s.amount,
       s.earlier_at[cardinality(s.earlier_at)], s.created_at,
       'both stay: hours apart, as if one were written in Paris time'
from (
  select m.*, array_agg(m.id) filter (where m.ledger = 1) over hours as earlier,
         array_agg(m.created_at) filter (where m.ledger = 1) over hours as earlier_at
  from merged m
  where m.twin is null and not m.born_on_v2
  window hours as (partition by m.user_id, m.kind, m.amount order by m.created_at
                   range between interval '2 hours' preceding and interval '1 hour' preceding)
) s
where s.ledger = 2
  and extract(epoch from s.created_at - s.earlier_at[cardinality(s.earlier_at)]) in (3600, 7200)
order by 1, 2, 3, 4
