-- Transactions that stay open, prepared transactions that wait, replication slots that hold back WAL.
-- Who they are is told, what they ran is not: statements may hold secrets.
create or replace function repot_upkeep.sessions(settings jsonb) returns jsonb
  language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  filled jsonb := repot_upkeep.filled('sessions', settings);
  findings jsonb := '[]';
  long_ones integer := 0;
  idle_ones integer := 0;
  prepared integer := 0;
  slots integer := 0;
  hidden bigint;
  one record;
begin
  for one in
    select pid, usename, application_name, state, wait_event, xact_start, state_change,
           now() - xact_start as open_for, now() - state_change as idle_for,
           state like 'idle in transaction%' and now() - state_change >= repot_upkeep.given(filled,
               'idle')::interval as idle
      from pg_stat_activity
     where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
       and xact_start is not null
       and (now() - xact_start >= repot_upkeep.given(filled, 'transaction')::interval
            or (state like 'idle in transaction%' and now() - state_change >= repot_upkeep.given(filled,
                'idle')::interval))
     order by xact_start, pid
  loop
    if one.idle then idle_ones := idle_ones + 1; else long_ones := long_ones + 1; end if;
    findings := findings || repot_upkeep.finding(
      case when one.idle then 'idle-in-transaction' else 'long-transaction' end, 'warning',
      format('session %s of %s (%s) has had a transaction open for %s%s', one.pid,
          quote_ident(one.usename),
             coalesce(nullif(one.application_name, ''), 'without a name'), date_trunc('second',
                 one.open_for),
             case when one.idle then format(' and done nothing for %s', date_trunc('second',
                 one.idle_for))
                  else coalesce(', waiting for ' || one.wait_event, '') end),
      format('vacuum cannot clean up behind it; end it with: select pg_terminate_backend(%s);', one.pid),
      one.pid::text);
  end loop;
  for one in
    select gid, owner, database, now() - p.prepared as waiting from pg_prepared_xacts p
     where now() - p.prepared >= repot_upkeep.given(filled, 'prepared')::interval order by p.prepared
  loop
    prepared := prepared + 1;
    findings := findings || repot_upkeep.finding(
      'prepared-transaction', 'warning',
      format('transaction %L of %s, prepared in %s, has been waiting for %s', one.gid,
          quote_ident(one.owner),
             quote_ident(one.database), date_trunc('second', one.waiting)),
      format('it keeps its locks through restarts: commit prepared %1$L; or rollback prepared %1$L;',
          one.gid), one.gid);
  end loop;
  for one in
    -- As JSON: versions differ in the columns (inactive_since from 17 on).
    select slot_name, slot_type, active, wal_status, to_jsonb(s) ->> 'inactive_since' as inactive,
           pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_receive_lsn()
                                else pg_current_wal_lsn() end, restart_lsn) as held
      from pg_replication_slots s order by slot_name
  loop
    continue when one.active and coalesce(one.wal_status, '') <> 'lost';
    continue when coalesce(one.wal_status, '') not in ('lost', 'unreserved')
              and coalesce(one.held, 0) < (filled ->> 'slot_bytes')::bigint
              and not coalesce(now() - one.inactive::timestamptz
                               >= repot_upkeep.given(filled, 'slot_idle')::interval, false);
    slots := slots + 1;
    findings := findings || repot_upkeep.finding(
      'slot-idle', case when one.wal_status in ('lost', 'unreserved') then 'error' else 'warning' end,
      format('nobody reads the %s replication slot %s%s; it holds %s of WAL%s', one.slot_type,
          quote_ident(one.slot_name),
             coalesce(format(' since %s', to_char(one.inactive::timestamptz, 'YYYY-MM-DD HH24:MI')), ''),
             repot_upkeep.size(greatest(one.held, 0)), case when one.wal_status = 'lost'
                 then ', and what it needs is gone' else '' end),
      format('let its reader go on, or: select pg_drop_replication_slot(%L);', one.slot_name),
          one.slot_name);
  end loop;
  -- Of sessions of others, PostgreSQL tells only that they are there.
  select count(*) into hidden from pg_stat_activity
   where query = '<insufficient privilege>' and datname = current_database();
  if hidden > 0 then
    findings := findings || repot_upkeep.finding(
      'sessions-hidden', 'info', format('%s sessions of other roles cannot be looked into by %s', hidden,
          quote_ident(current_user)),
      format('grant pg_read_all_stats to %I;', current_user), null, hidden);
  end if;
  return repot_upkeep.outcome(
    format('%s long transactions, %s idle in a transaction, %s prepared, %s idle slots', long_ones,
        idle_ones, prepared, slots),
    jsonb_build_object('long', long_ones, 'idle_in_transaction', idle_ones, 'prepared', prepared,
        'slots', slots, 'hidden', hidden),
    findings);
end $$;
