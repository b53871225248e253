-- How the database has done since its statistics began: what is large, what is read as a whole, what takes
-- long. Statements are told by their number in pg_stat_statements, never by their text.
do $$
declare
  figures jsonb;
  slow jsonb;
  home text;
begin
  select jsonb_build_object(
    'since', s.stats_reset,
    'database_bytes', pg_database_size(s.datname),
    'cache_hit_percent', round(100.0 * s.blks_hit / nullif(s.blks_hit + s.blks_read, 0), 2),
    'rolled_back_percent', round(100.0 * s.xact_rollback / nullif(s.xact_commit + s.xact_rollback, 0), 2),
    'deadlocks', s.deadlocks,
    'temporary_bytes', s.temp_bytes,
    'largest', (
      select jsonb_agg(jsonb_build_object('table', t.relname, 'bytes', t.bytes, 'rows', t.n_live_tup))
        from (select relname, n_live_tup, pg_total_relation_size(relid) as bytes from pg_stat_user_tables
               where schemaname = current_schema() order by 3 desc limit 5) t),
    'read_as_a_whole', (
      select coalesce(jsonb_agg(jsonb_build_object('table', t.relname, 'scans', t.seq_scan, 'rows_read', t.seq_tup_read)), '[]')
        from (select relname, seq_scan, seq_tup_read from pg_stat_user_tables
               where schemaname = current_schema() and n_live_tup > 10000 and seq_scan > coalesce(idx_scan, 0)
               order by seq_tup_read desc limit 5) t))
    into figures from pg_stat_database s where s.datname = current_database();
  select quote_ident(n.nspname) into home from pg_extension e join pg_namespace n on n.oid = e.extnamespace
   where e.extname = 'pg_stat_statements';
  if home is not null then
    begin
      execute format(
        'select coalesce(jsonb_agg(jsonb_build_object(''query'', s.queryid::text, ''calls'', s.calls,
                  ''total_ms'', round(s.total_exec_time::numeric), ''mean_ms'', round(s.mean_exec_time::numeric, 1))), ''[]'')
           from (select * from %s.pg_stat_statements
                  where dbid = (select oid from pg_database where datname = current_database())
                  order by total_exec_time desc limit 10) s', home) into slow;
    exception when object_not_in_prerequisite_state or insufficient_privilege then
      slow := null;
    end;
  end if;
  perform repot_upkeep.note(
    figures || jsonb_build_object('slowest', coalesce(slow, '"pg_stat_statements is not there, or may not be read"')),
    format('%s, %s per cent of the reads from memory', pg_size_pretty((figures ->> 'database_bytes')::bigint),
           coalesce(figures ->> 'cache_hit_percent', '–')));
end $$;
