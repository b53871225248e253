-- Every address as it was typed in each of the two tables, and what it is in lower case. What is
-- remembered here finds the ban of a row that is gone, and its rows on the way back.
select 'banned_emails' as place, e.email as typed, lower(e.email) as address from banned_emails e
union all
select 'banned_users', u.email, lower(u.email) from banned_users u
