-- Constraints that were added NOT VALID and never validated. (Newer servers know NOT ENFORCED: those
-- are meant so.)
select k.conname as name, k.conrelid::regclass::text as "table",
  case k.contype when 'f' then 'foreign key' when 'c' then 'check' else 'constraint' end as kind
from pg_catalog.pg_constraint k
join pg_catalog.pg_namespace n on n.oid = k.connamespace
where not k.convalidated and coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true'
  and k.conrelid <> 0 and k.conparentid = 0
  and n.nspname <> all (%(own)s) and k.conrelid <> all (%(aside)s::oid[])
order by 2, 1
