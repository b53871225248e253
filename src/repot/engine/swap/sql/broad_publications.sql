-- Publications of all tables.
select pubname from pg_catalog.pg_publication where puballtables order by pubname collate "C"
