-- Rows taken in chunks, out of the way of everybody else.

-- The tables that hold a table's rows: itself, or its partitions.
create or replace function repot_upkeep.leaves(of_table regclass) returns regclass[]
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when relkind = 'p'
              then array(select p.relid from pg_partition_tree(of_table) p
                          where p.isleaf and p.relid <> of_table order by p.relid::text)
              else array[of_table] end
    from pg_class where oid = of_table
$$;

-- Up to `chunk` rows of one of the tables, locked until the transaction ends. Two statements, this
-- one and the one that works on the rows: the second has a snapshot of its own, in which the rows
-- are as they were locked. patient: wait for rows that others hold; else they are left out.
create or replace function repot_upkeep.locked(
  of_table regclass, condition text, chunk integer, patient boolean default false,
  by_column text default null, out leaf regclass, out rows tid[]
) language plpgsql set search_path = pg_catalog, pg_temp set row_security = off as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'upkeep works in READ COMMITTED transactions only'
      using errcode = 'invalid_transaction_state';
  end if;
  foreach leaf in array repot_upkeep.leaves(of_table) loop
    execute format(
      'select array_agg(c.ctid) from (
         select t.ctid from only %s as t where %s %s limit %s for update of t %s) c',
      repot_upkeep.shown(leaf), condition,
      case when by_column is null then '' else format('order by t.%I', by_column) end,
      chunk, case when patient then '' else 'skip locked' end)
      into rows;
    exit when rows is not null;
  end loop;
end $$;

-- The foreign keys that point to a table: their names, tables, what they do when a row goes (c, n, d:
-- something to the rows that point; a, r: they keep it), and the join of child c with row t.
create or replace function repot_upkeep.references_to(of_table regclass)
  returns table (called text, child text, action "char", joined text)
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select k.conname::text, repot_upkeep.shown(k.conrelid), k.confdeltype,
         string_agg(format('c.%I = t.%I', a.attname, b.attname), ' and ' order by u.place)
    from pg_constraint k
   cross join unnest(k.conkey, k.confkey) with ordinality as u (own, other, place)
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.own
    join pg_attribute b on b.attrelid = k.confrelid and b.attnum = u.other
   where k.contype = 'f' and k.confrelid = of_table and k.conparentid = 0
   group by k.oid, k.conname, k.conrelid, k.confdeltype
   order by 2, 1
$$;

-- What foreign keys have to say before rows go. `kept`: a condition that leaves out the rows that
-- others point to and that therefore must stay. Findings of severity error: rows that would take
-- others with them. counted: look at the rows; else only `kept` is of use.
create or replace function repot_upkeep.pointed_at(
  of_table regclass, condition text, allowed boolean, counted boolean,
  out kept text, out findings jsonb
) language plpgsql stable set search_path = pg_catalog, pg_temp set row_security = off as $$
declare
  one record;
  found bigint;
  examples text[];
begin
  kept := 'true';
  findings := '[]';
  for one in select * from repot_upkeep.references_to(of_table) loop
    if one.action in ('a', 'r') then
      kept := kept || format(' and not exists (select from %s as c where %s)', one.child, one.joined);
    end if;
    continue when not counted or (one.action not in ('a', 'r') and allowed);
    begin
      execute format('select count(*) from %s as t where %s and exists (select from %s as c where %s)',
                     repot_upkeep.shown(of_table), condition, one.child, one.joined) into found;
    exception when insufficient_privilege then
      findings := findings || repot_upkeep.finding(
        'references-unread', 'error',
        format('%s points to %s and cannot be read: %s', one.child, repot_upkeep.shown(of_table),
            sqlerrm),
        'grant SELECT on it to ' || quote_ident(current_user), one.child);
      continue;
    end;
    continue when found = 0;
    execute format('select array(select %s from %s as t where %s
                      and exists (select from %s as c where %s) order by 1 limit 3)',
                   repot_upkeep.key_of(of_table), repot_upkeep.shown(of_table), condition,
                   one.child, one.joined) into examples;
    findings := findings || case when one.action in ('a', 'r') then repot_upkeep.finding(
        'rows-referenced', 'info',
        format('%s rows of %s stay: %s (%s) points to them', found, repot_upkeep.shown(of_table),
               one.child, one.called),
        'they go once nothing points to them', one.child, found, examples)
      else repot_upkeep.finding(
        'rows-cascade', 'error',
        format('%s (%s) points to %s rows of %s, and would %s with them', one.child, one.called, found,
               repot_upkeep.shown(of_table),
               case one.action when 'c' then 'lose its rows' else 'be changed' end),
        'nothing was done: take the rows that point away first, or leave these out by "where"',
        one.child, found, examples) end;
  end loop;
end $$;

-- The same for rows that are locked by now: new references wait for their locks. Gives the rows that
-- may go; an error where others would go with them.
create or replace function repot_upkeep.free_of(
  of_table regclass, leaf regclass, rows tid[], allowed boolean
) returns tid[] language plpgsql
  set search_path = pg_catalog, pg_temp set row_security = off as $$
declare
  one record;
  pointing tid[];
begin
  for one in select * from repot_upkeep.references_to(of_table) loop
    continue when one.action not in ('a', 'r') and allowed;
    execute format(
      'select array_agg(t.ctid) from only %s as t
        where t.ctid = any ($1) and exists (select from %s as c where %s)',
      repot_upkeep.shown(leaf), one.child, one.joined) into pointing using rows;
    if pointing is not null and one.action not in ('a', 'r') then
      raise exception '% (%) points to % rows of % that were to go', one.child, one.called,
        cardinality(pointing), repot_upkeep.shown(of_table)
        using errcode = 'restrict_violation', hint = 'nothing of this chunk was done';
    end if;
    rows := array(select r from unnest(rows) r where r <> all (coalesce(pointing, '{}')));
  end loop;
  return rows;
end $$;
