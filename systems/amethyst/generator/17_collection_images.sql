insert into public.collection_images (collection_id, image_id, position, added_at)
select pg_temp.key('collection', 1 + l.collection), pg_temp.key('generated', 1 + l.image),
       (row_number() over (partition by l.collection order by l.image))::int,
       pg_temp.moment(230, l.collection * 1000003 + l.image)
from (
  select distinct pg_temp.popular(231, i, %(collections)s) as collection,
                  pg_temp.pick(232, i, %(generated)s) as image
  from generate_series(1, %(collected)s::bigint) i
) l
order by l.collection, l.image
