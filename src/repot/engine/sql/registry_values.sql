-- UUIDs and numbers: a value for each key that has none.
with wanted as materialized ({wanted}),
made as (insert into {table} ({key}, value) select {keys}, {value} from wanted returning 1)
select pg_catalog.count(*), 0 from made
