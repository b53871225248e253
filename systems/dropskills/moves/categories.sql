-- V1 never dated its categories: created_at and updated_at take their defaults.
select c.id, c.name, s.value as slug, c.description
from categories c
left join category_slug s on s.id = c.id
