select migration_name, to_char(started_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
  (select l from regexp_split_to_table(coalesce(logs, ''), '\n') as l where l like '%%ERROR%%' limit 1)
from {table}
where finished_at is null and rolled_back_at is null
order by started_at
