-- Reads the state of entities by their keys (k1, k2: arrays): key columns first, then what the ledger
-- knows of them, under the same names in both dialects.

-- name: request
select r.id::text as k1, r.user_id::text as "user", r.title, r.description, r.status, r.votes
from product_requests r
where r.id = any(%(k1)s::uuid[])

-- name: vote
select v.request_id::text as k1, v.user_id::text as k2,
       to_char(v.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as at
from unnest(%(k1)s::uuid[], %(k2)s::uuid[]) k (request, voter)
join product_request_votes v on v.request_id = k.request and v.user_id = k.voter

-- name: hot_votes
select r.id::text as k1, r.votes as n from product_requests r where r.id = any(%(k1)s::uuid[])
