select u.id, u.role, u.first_name, u.last_name, u.avatar_url, u.status, u.created_at, u.updated_at
from users u
