select r.id, r.user_id, r.title, r.description, r.status, r.votes, r.created_at, r.updated_at,
       r.source
from product_requests r
