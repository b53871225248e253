-- Addresses that are banned several times, with different reasons or by different people; and those
-- banned by somebody who is gone. V2 keeps one ban, from the first date on; banned_emails takes
-- precedence for the rest.
select b.address, count(*) as rows, array_agg(distinct b.reason) as reasons,
       array_agg(distinct b.banned_by) as banned_by, min(b.banned_at) as first, max(b.banned_at) as last,
       bool_or(b.banned_by is not null
               and not exists (select from auth.users a where a.id = b.banned_by)) as by_somebody_gone
from (
  select lower(e.email) as address, 'banned_emails' as place, e.email, e.reason, e.banned_at,
         e.banned_by
  from banned_emails e
  union all
  select lower(u.email), 'banned_users', u.email, u.reason, u.banned_at at time zone 'UTC', u.banned_by
  from banned_users u
) b
group by b.address
having count(distinct b.reason) > 1 or count(distinct b.banned_by) > 1
    or bool_or(b.banned_by is not null
               and not exists (select from auth.users a where a.id = b.banned_by))
order by b.address
