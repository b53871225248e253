-- One partition whose rows are all old enough: taken off the live table and made a partition of the
-- archive, in the caller's transaction.
create or replace function repot_upkeep.archive_partition(
  settings jsonb, live regclass, archive regclass, condition text
) returns bigint language plpgsql
  set search_path = pg_catalog, pg_temp set row_security = off as $$
declare
  called text := settings ->> 'column';
  kind text := (select format_type(atttypid, atttypmod) from pg_attribute
                 where attrelid = live and attname = called);
  home text := (select quote_ident(n.nspname) from pg_class c
                  join pg_namespace n on n.oid = c.relnamespace where c.oid = archive);
  of_part text;
  others text;
  texts text;
  younger boolean;
  old_enough boolean;
  before record;
  after record;
  one record;
begin
  for one in
    select c.oid::regclass as part, quote_ident(n.nspname) as home, pg_get_expr(c.relpartbound, c.oid) as bounds,
           substring(pg_get_expr(c.relpartbound, c.oid) from $re$ TO \('([^']*)'\)$re$) as upper
      from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
      join pg_namespace n on n.oid = c.relnamespace
     where i.inhparent = live and c.relkind = 'r'
     order by c.relname
  loop
    continue when one.upper is null;  -- the default partition, or one without an end
    old_enough := repot_upkeep.before_of(settings)
                  >= case when kind = 'timestamp with time zone' then one.upper::timestamptz
                          else one.upper::timestamp at time zone (settings ->> 'time_zone') end;
    continue when not old_enough;
    of_part := repot_upkeep.shown(one.part);
    others := format('select exists (select from only %s as t where (%s) is not true)',
                     of_part, condition);
    execute others into younger;
    continue when younger;
    -- Nobody writes into it from here on.
    execute format('lock table %s in access exclusive mode', repot_upkeep.shown(live));
    execute others into younger;
    continue when younger;
    select format('md5(row(%s)::text)', string_agg(format('x.%I', attname), ', ' order by attnum))
      into texts
      from pg_attribute where attrelid = live and attnum > 0 and not attisdropped;
    execute format(
      'select count(*) as rows, md5(string_agg(h, '''' order by h collate "C")) as digest,
              min(at)::text as lowest, max(at)::text as highest
         from (select %2$s as h, x.%3$I as at from only %1$s as x) r',
      of_part, texts, called) into before;
    execute format('alter table %s detach partition %s', repot_upkeep.shown(live), of_part);
    if home <> one.home then
      execute format('alter table %s set schema %s', of_part, home);
    end if;
    perform repot_upkeep.close_table(one.part);
    execute format('alter table %s attach partition %s %s', repot_upkeep.shown(archive),
                   repot_upkeep.shown(one.part), one.bounds);
    execute format(
      'select count(*) as rows, md5(string_agg(h, '''' order by h collate "C")) as digest
         from (select %2$s as h from %1$s as x where x.tableoid = $1) r',
      repot_upkeep.shown(archive), texts) into after using one.part::oid;
    if (after.rows, after.digest) is distinct from (before.rows, before.digest) then
      raise exception 'the partition % has other rows in % than it had before',
        of_part, repot_upkeep.shown(archive)
        using errcode = 'data_exception', hint = 'nothing was moved';
    end if;
    insert into repot_upkeep.archived (live, archive, how, rows, digest, lowest, highest)
    values (of_part, repot_upkeep.shown(one.part), 'partition', before.rows,
            coalesce(before.digest, ''), before.lowest, before.highest);
    return before.rows;
  end loop;
  return null;
end $$;
