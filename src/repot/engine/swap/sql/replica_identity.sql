-- Replica identities: the columns of the index where one was chosen, and the unique indexes that
-- could be (immediate, total, without expressions, all columns NOT NULL).
select c.oid::bigint, c.relreplident::text,
       (select array_agg(a.attname::text order by k.position)
          from pg_catalog.pg_index i
         cross join lateral unnest(i.indkey::int2[]) with ordinality k(attnum, position)
          join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
         where i.indrelid = c.oid and i.indisreplident and k.position <= i.indnkeyatts),
       (select jsonb_agg(jsonb_build_array(x.relname, x.columns) order by x.relname)
          from (select ic.relname, array_agg(a.attname::text order by k.position) as columns
                  from pg_catalog.pg_index i
                  join pg_catalog.pg_class ic on ic.oid = i.indexrelid
                 cross join lateral unnest(i.indkey::int2[]) with ordinality k(attnum, position)
                  join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
                 where i.indrelid = c.oid and i.indisunique and i.indimmediate and i.indisvalid
                   and i.indpred is null and i.indexprs is null and k.position <= i.indnkeyatts
                 group by ic.relname, i.indexrelid
                having bool_and(a.attnotnull)) x)
  from pg_catalog.pg_class c
 where c.oid = any (%(oids)s::oid[])
