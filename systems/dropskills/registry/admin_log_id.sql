select l.id as log_id from admin_logs l
