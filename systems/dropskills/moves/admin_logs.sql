select
  r.value as id,
  l.admin_id,
  l.action,
  coalesce(l.target_table, '(none)') as resource_type,
  l.target_id as resource_id,
  l.details as changes,
  coalesce(l.created_at, timestamptz '1970-01-01 00:00:00+00') as created_at
from admin_logs l
join admin_log_id r on r.log_id = l.id
