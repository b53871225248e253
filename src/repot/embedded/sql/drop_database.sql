SELECT pg_terminate_backend(active_pid, 10000)
FROM pg_replication_slots
WHERE database = :'name' AND active_pid IS NOT NULL;

SELECT pg_drop_replication_slot(slot_name)
FROM pg_replication_slots
WHERE database = :'name';

DROP DATABASE IF EXISTS :"name" WITH (FORCE);
