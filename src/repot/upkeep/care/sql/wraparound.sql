-- How old the oldest transaction ids are that are not frozen, and who holds them.
create or replace function repot_upkeep.wraparound(settings jsonb) returns jsonb
  language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  filled jsonb := repot_upkeep.filled('wraparound', settings);
  warn_at numeric := (filled ->> 'warn_percent_of_freeze')::numeric;
  error_at numeric := (filled ->> 'error_percent_of_limit')::numeric;
  freeze_age bigint := current_setting('autovacuum_freeze_max_age')::bigint;
  multixact_age bigint := current_setting('autovacuum_multixact_freeze_max_age')::bigint;
  findings jsonb := '[]';
  holders text[];
  tables jsonb;
  one record;
  own record;
begin
  holders := array(
    select h.who from (
      select format('session %s, transaction open since %s', pid, to_char(xact_start,
          'YYYY-MM-DD HH24:MI')), age(backend_xmin)
        from pg_stat_activity where backend_xmin is not null and pid <> pg_backend_pid()
      union all
      select format('replication slot %s', quote_ident(slot_name)), greatest(age(xmin),
          age(catalog_xmin))
        from pg_replication_slots where xmin is not null or catalog_xmin is not null
      union all
      select format('prepared transaction %s', quote_literal(gid)),
          age(transaction) from pg_prepared_xacts
    ) h (who, held) order by h.held desc limit 3);
  for one in
    select datname, age(datfrozenxid) as xids, mxid_age(datminmxid) as multixacts,
           datname = current_database() as here from pg_database order by 2 desc
  loop
    continue when 100.0 * one.xids / freeze_age < warn_at
        and 100.0 * one.multixacts / multixact_age < warn_at
              and 100.0 * greatest(one.xids, one.multixacts) / 2147483648 < error_at;
    findings := findings || repot_upkeep.finding(
      'wraparound',
      case when 100.0 * greatest(one.xids, one.multixacts) / 2147483648 >= error_at
          then 'error' else 'warning' end,
      format('database %s: the oldest transaction is %s back, the oldest multixact %s (autovacuum freezes at %s and %s; writes stop near 2147483648)',
             quote_ident(one.datname), one.xids, one.multixacts, freeze_age, multixact_age),
      case when one.here then 'vacuum (freeze) the tables named in the figures; '
           else 'run the task in that database, too; ' end
      || case when holders <> '{}' then 'what holds vacuum up: ' || array_to_string(holders, '; ')
              else 'nothing holds vacuum up' end,
      one.datname);
  end loop;
  select coalesce(jsonb_agg(x order by (x ->> 'xids')::bigint desc), '[]') into tables from (
    select jsonb_build_object(
             'table', coalesce(repot_upkeep.shown(p.oid), repot_upkeep.shown(c.oid)),
             'xids', greatest(age(c.relfrozenxid)),
             'multixacts', mxid_age(c.relminmxid), 'bytes', pg_relation_size(c.oid)) as x
      from pg_class c left join pg_class p on p.reltoastrelid = c.oid
     where c.relkind in ('r', 'm', 't') and c.relpersistence <> 't'
     order by greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) desc, c.oid
     limit greatest((filled ->> 'tables')::integer, 0)) x;
  select age(datfrozenxid) as xids, mxid_age(datminmxid) as multixacts into own
    from pg_database where datname = current_database();
  return repot_upkeep.outcome(
    format('the oldest transaction is %s back: %s per cent of where autovacuum freezes', own.xids,
           round(100.0 * own.xids / freeze_age, 1)),
    jsonb_build_object('xids', own.xids, 'multixacts', own.multixacts, 'freeze_max_age', freeze_age,
                       'multixact_freeze_max_age', multixact_age, 'limit', 2147483648,
                       'percent_of_limit', round(100.0 * own.xids / 2147483648, 2), 'oldest', tables),
    findings);
end $$;
