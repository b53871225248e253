-- Every address is plain: lower-case ASCII letters and digits, single hyphens between them.
select 'packs' as place, id, slug from packs where slug !~ '^[a-z0-9]+(-[a-z0-9]+)*$'
union all
select 'categories', id, slug from categories where slug !~ '^[a-z0-9]+(-[a-z0-9]+)*$'
union all
select 'tags', id, slug from tags where slug !~ '^[a-z0-9]+(-[a-z0-9]+)*$'
