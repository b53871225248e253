create function repot.append_only() returns trigger
  language plpgsql set search_path = pg_catalog as $$
begin
  raise exception 'repot.% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$
