-- One address per pack; products and packs share the namespace. The older one takes the plain slug.
select 'product'::text as source, p.id, p.title, p.created_at from products p
union all
select 'pack', k.id, k.name, k.created_at from packs k
