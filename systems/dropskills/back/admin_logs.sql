select
  r.log_id as id,
  l.admin_id,
  l.action,
  nullif(l.resource_type, '(none)') as target_table,
  l.resource_id as target_id,
  l.changes as details,
  nullif(l.created_at, timestamptz '1970-01-01 00:00:00+00') as created_at
from admin_logs l
join admin_log_id r on r.value = l.id
