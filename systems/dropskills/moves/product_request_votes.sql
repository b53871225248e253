-- Votes whose request or voter is gone are left behind (leave.toml).
select v.request_id, v.user_id, v.created_at
from product_request_votes v
join product_requests r on r.id = v.request_id
join auth.users u on u.id = v.user_id
