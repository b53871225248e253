-- 1. The first of each slug takes it plain, unless it is taken. 2. The others take the smallest
-- numbers that are free. Two stems never give the same numbered slug, so the only collisions are
-- with slugs that end in a number by themselves: those are taken too (`taken`, with `free` = how
-- many free numbers lie before them). The k-th row without a slug gets k + 1 + how many of the taken
-- numbers lie before it. One sort per step, nothing quadratic. All this within a room each: the rows
-- that agree in the columns of `within`, all rows where there are none.
with wanted as materialized ({wanted}),
based as materialized (
  select {keys}, {orders}repot_registry.slug_base(slug_text, {max_length}, {fallback}) as base
    from wanted),
placed as materialized (
  select b.*, u.used is null as base_is_free,
         pg_catalog.row_number() over (partition by {room}base order by {sort}) as place
    from based b
    left join (select {stored_room}t.value as used from {table} t) u on u.used = b.base{used_room}),
plain as materialized (
  select {keys}, base as value from placed where place = 1 and base_is_free),
others as materialized (
  select {keys}, base, place - base_is_free::integer as k
    from placed where place > 1 or not base_is_free),
stems as materialized (select distinct {room}base from others),
taken as materialized (
  select {room}stem,
         number - 1 - pg_catalog.row_number() over (partition by {room}stem order by number) as free
    from (
      select {stem_room}repot_registry.slug_stem(t.value) as stem,
             repot_registry.slug_number(t.value) as number
        from {table} t join stems s on repot_registry.slug_stem(t.value) = s.base{table_room}
       where repot_registry.slug_number(t.value) is not null
      union all
      select {stem_room}s.base, repot_registry.slug_number(q.value)
        from plain q join stems s on repot_registry.slug_stem(q.value) = s.base{plain_room}
       where repot_registry.slug_number(q.value) is not null) both_kinds),
obstructed as materialized (select distinct {room}stem from taken),
line as (
  select {keys}, base, k, 0 as is_taken
    from others where ({room}base) in (select {room}stem from obstructed)
  union all
  select {taken_keys}, stem, free, 1 from taken),
numbered as (
  select {keys}, base, is_taken, k + 1 + pg_catalog.sum(is_taken) over (
           partition by {room}base order by k, is_taken rows unbounded preceding) as number
    from line),
made as (
  insert into {table} ({key}, value)
  select {keys}, value from plain
  union all
  select {keys}, base || '-' || k + 1
    from others o where not exists (select from obstructed x where x.stem = o.base{other_room})
  union all
  select {keys}, base || '-' || number from numbered where is_taken = 0
  returning value)
select pg_catalog.count(*), coalesce(pg_catalog.max(pg_catalog.char_length(value)), 0) from made
