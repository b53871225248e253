-- The values that cut a sample into {count} about equal parts, as texts, in order. Sorted as the
-- view's column compares ({collate}): bounds out of order would make units overlap.
with numbered as (
  select s.value{collate} as value,
         pg_catalog.row_number() over (order by s.value{collate}) as place,
         pg_catalog.count(*) over () as total
    from ({source}) s(value)
   where s.value is not null),
picked as (
  select distinct on (value) value, place
    from numbered
   where place * {count} / total > (place - 1) * {count} / total and place < total
   order by value, place)
select value::text from picked order by place
