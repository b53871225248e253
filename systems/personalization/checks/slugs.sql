-- Every address is plain: lower-case ASCII letters and digits, single hyphens between them; and the slug
-- of a name is the name's own, with a number at most.
select p."id", p."name", p."slug"
from "Product" p
where p."slug" !~ '^[a-z0-9]+(-[a-z0-9]+)*$'
  or not starts_with(p."slug", left(coalesce(nullif(repot_registry.slugify(p."name"), ''), 'product'), 71))
