select 'product' as kind, id, name as title, created_at from product
union all
select 'bundle', id, label, timestamptz '2030-01-01' from bundle
