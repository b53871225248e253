select 'product' as kind, id from product union all select 'bundle', id from bundle
