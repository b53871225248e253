-- What a user can see of the database, and what Repot keeps in it, but for numbers that count attempts.
with places as (
  select oid, nspname from pg_namespace where nspname in ('public', 'shop_v2', 'shop_old'))
select 'relation', p.nspname || '.' || c.relname,
       format('%s of %s', c.relkind, pg_get_userbyid(c.relowner)), 1::bigint
  from pg_class c join places p on p.oid = c.relnamespace where c.relkind <> 't'
union all
select 'constraint', format('%s.%s %s', p.nspname, t.relname, c.conname),
       format('%s, valid %s', pg_get_constraintdef(c.oid), c.convalidated), 1
  from pg_constraint c join pg_class t on t.oid = c.conrelid join places p on p.oid = t.relnamespace
union all
select 'index', i.indexrelid::regclass::text, format('valid %s', i.indisvalid), 1
  from pg_index i join pg_class t on t.oid = i.indrelid join places p on p.oid = t.relnamespace
union all
select 'trigger', format('%s.%s %s', p.nspname, t.relname, g.tgname),
       format('enabled %s', g.tgenabled), 1
  from pg_trigger g join pg_class t on t.oid = g.tgrelid join places p on p.oid = t.relnamespace
 where not g.tgisinternal
union all
select 'repot', format('%s.%s', n.nspname, regexp_replace(c.relname, '\d+', 'n')), c.relkind::text,
       count(*)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname like 'repot%' and c.relkind in ('r', 'v') group by 2, 3
union all
select 'routine', regexp_replace(f.proname, '\d+', 'n', 'g'), n.nspname, count(*)
  from pg_proc f join pg_namespace n on n.oid = f.pronamespace
 where n.nspname like 'repot%' or n.oid in (select oid from places) group by 2, 3
union all
select 'undone', 'chunks', null, count(*) from repot.chunk where done_at is null
union all
select 'undone', 'deferred', null, count(*) from repot.deferred where done_at is null
union all
select 'runs', r.phase, null, count(*) from repot.run r group by 2
union all
select 'own transactions', '', null, count(*) from repot.own_transaction
union all
select 'poison', '', null, count(*) from repot.poison
union all
select 'conflicts', '', null, count(*) from repot.conflict
union all
select 'prepared', '', null, count(*) from pg_prepared_xacts where database = current_database()
order by 1, 2, 3
