-- Space that tables and B-tree indexes take beyond what their rows need.

-- The schema that pgstattuple is in, where it is there and this role may use it.
create or replace function repot_upkeep.measuring() returns text
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select quote_ident(n.nspname)
    from pg_extension e
    join pg_namespace n on n.oid = e.extnamespace
    join pg_proc p on p.pronamespace = n.oid and p.proname = 'pgstattuple_approx'
   where e.extname = 'pgstattuple' and has_function_privilege(p.oid, 'EXECUTE')
     and has_schema_privilege(n.oid, 'USAGE')
$$;

-- Estimates, from sizes and the widths that ANALYZE found. spare is null where nothing is known of a
-- table: it was never analyzed, or its columns may not be read.
create or replace function repot_upkeep.bloat_estimates(schemas oid[], least_bytes bigint)
  returns table (oid oid, kind "char", bytes bigint, spare numeric)
  language sql stable set search_path = pg_catalog, pg_temp as $$
  with widths as (
    select s.schemaname, s.tablename, count(*) as columns, bool_or(s.null_frac > 0) as nulls,
           sum((1 - s.null_frac) * s.avg_width) as width
      from pg_stats s where not s.inherited group by 1, 2
  ), block as (select current_setting('block_size')::numeric as size)
  select c.oid, c.relkind, pg_relation_size(c.oid),
         case when w.width is null or c.reltuples < 0
                   or w.columns < (select count(*) from pg_attribute a where a.attrelid = c.oid
                                      and a.attnum > 0 and not a.attisdropped) then null
              else greatest(0, pg_relation_size(c.oid) - b.size * ceil(
                     c.reltuples
                     -- header, null bitmap and item pointer; rows begin at multiples of 8 bytes
                     * (ceil((23 + case when w.nulls then w.columns / 8.0 else 0 end) / 8.0) * 8
                        + ceil(w.width / 8) * 8 + 4)
                     / ((b.size - 24) * coalesce((select option_value::numeric
                         from pg_options_to_table(c.reloptions)
                                                   where option_name = 'fillfactor'), 100) / 100)))
         end
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    cross join block b
    left join widths w on w.schemaname = n.nspname and w.tablename = c.relname
   where c.relkind in ('r', 'm') and c.relnamespace = any (schemas)
       and pg_relation_size(c.oid) >= least_bytes
  union all
  select c.oid, c.relkind, pg_relation_size(c.oid),
         case when c.reltuples < 0 or k.width is null then null
              else greatest(0, pg_relation_size(c.oid) - b.size * ceil(1 +
                     c.reltuples * (8 + ceil(k.width / 8) * 8 + 4)
                     / ((b.size - 40) * coalesce((select option_value::numeric
                         from pg_options_to_table(c.reloptions)
                                                   where option_name = 'fillfactor'), 90) / 100)))
         end
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    join pg_am m on m.oid = c.relam and m.amname = 'btree'
    join pg_class t on t.oid = i.indrelid
    join pg_namespace n on n.oid = t.relnamespace
    cross join block b
    left join lateral (
      -- an expression's width stands under the index's own name
      select case when count(s.avg_width) = i.indnatts
          then sum((1 - s.null_frac) * s.avg_width) end as width
        from pg_attribute a
        left join pg_stats s on s.schemaname = n.nspname and not s.inherited
         and ((s.tablename = t.relname and i.indkey[a.attnum - 1] <> 0
               and s.attname = (select x.attname from pg_attribute x
                                 where x.attrelid = t.oid and x.attnum = i.indkey[a.attnum - 1]))
              or (s.tablename = c.relname and i.indkey[a.attnum - 1] = 0 and s.attname = a.attname))
       where a.attrelid = c.oid and a.attnum > 0) k on true
   where c.relkind = 'i' and c.relnamespace = any (schemas) and pg_relation_size(c.oid) >= least_bytes
$$;

create or replace function repot_upkeep.bloat(settings jsonb) returns jsonb
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  filled jsonb := repot_upkeep.filled('bloat', settings);
  percent_at numeric := (filled ->> 'percent')::numeric;
  measuring text := repot_upkeep.measuring();
  findings jsonb := '[]';
  unknown text[] := '{}';
  worst jsonb := '[]';
  looked integer := 0;
  measured integer := 0;
  spare_total numeric := 0;
  spare numeric;
  percent numeric;
  exact boolean;
  one record;
begin
  for one in
    select e.*, repot_upkeep.shown(e.oid) as named
      from repot_upkeep.bloat_estimates(repot_upkeep.schemas_of(filled),
          (filled ->> 'min_bytes')::bigint) e
     order by e.bytes desc, 5
  loop
    looked := looked + 1;
    spare := one.spare;
    exact := false;
    -- Measured where the estimate says something is wrong, or nothing at all.
    if measuring is not null and one.bytes <= (filled ->> 'exact_below_bytes')::numeric
       and (spare is null or 100 * spare / one.bytes >= percent_at) then
      begin
        if one.kind = 'i' then  -- pages of a fresh index are 90 per cent full
          execute format(
            'select greatest(0, $1 * (1 - coalesce(nullif(avg_leaf_density, ''NaN''), 90) / 90))
               from %s.pgstatindex($2)', measuring)
            into spare using one.bytes, one.oid::regclass;
        else
          execute format('select approx_free_space + dead_tuple_len from %s.pgstattuple_approx($1)',
              measuring)
            into spare using one.oid::regclass;
        end if;
        exact := true;
        measured := measured + 1;
      exception
        when insufficient_privilege or feature_not_supported or wrong_object_type then null;
      end;
    end if;
    if spare is null then
      unknown := unknown || one.named;
      continue;
    end if;
    percent := round(100 * spare / one.bytes, 1);
    continue when percent < percent_at;
    spare_total := spare_total + spare;
    worst := worst || jsonb_build_object('object', one.named, 'bytes', one.bytes, 'spare_bytes',
        round(spare),
                                         'percent', percent, 'by', case when exact then 'pgstattuple'
                                             else 'statistics' end);
    findings := findings || repot_upkeep.finding(
      case when one.kind = 'i' then 'index-bloat' else 'table-bloat' end, 'warning',
      format('%s of %s in %s hold no rows: %s per cent, %s', repot_upkeep.size(round(spare)),
          repot_upkeep.size(one.bytes),
             one.named, percent, case when exact then 'measured by pgstattuple'
                 else 'estimated from statistics' end),
      case when one.kind = 'i' then format('reindex index concurrently %s;', one.named)
           else format('vacuum makes the space usable again; vacuum full %s; gives it back and locks the table', one.named) end,
      one.named);
  end loop;
  if unknown <> '{}' then
    findings := findings || repot_upkeep.finding(
      'bloat-unknown', 'info',
      format('%s tables and indexes cannot be judged: not analyzed, or not readable by %s',
          cardinality(unknown), quote_ident(current_user)),
      'the built-in "analyze" gathers the statistics', null, cardinality(unknown), unknown[1:3]);
  end if;
  return repot_upkeep.outcome(
    format('%s tables and indexes looked at%s: %s are bloated, by %s', looked,
           case when measuring is null then ', by statistics alone'
               else format(', %s measured by pgstattuple', measured) end,
           jsonb_array_length(worst), repot_upkeep.size(round(spare_total))),
    jsonb_build_object('looked_at', looked, 'measured', measured, 'spare_bytes', round(spare_total),
                       'unknown', cardinality(unknown), 'bloated', worst),
    findings);
end $$;
