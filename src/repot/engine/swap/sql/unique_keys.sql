-- Column sets that a foreign key may refer to: unique, immediate, total, without expressions.
select i.indrelid::bigint, array_agg(a.attname::text order by k.position)
  from pg_catalog.pg_index i
 cross join lateral unnest(i.indkey::int2[]) with ordinality k(attnum, position)
  join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
 where i.indrelid = any (%(oids)s::oid[]) and i.indisunique and i.indimmediate and i.indisvalid
   and i.indpred is null and i.indexprs is null and k.position <= i.indnkeyatts
 group by i.indexrelid, i.indrelid
