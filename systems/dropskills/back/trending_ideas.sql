select
  i.id,
  i.title,
  i.description,
  i.category,
  i.difficulty,
  i.revenue_estimate as "revenueEstimate",
  i.trend_score as "trendScore",
  case
    when jsonb_typeof(i.tags -> 'raw') = 'string'
      and i.tags = jsonb_build_object('raw', i.tags -> 'raw') then i.tags ->> 'raw'
    else i.tags::text
  end as tags,
  i.is_active as "isActive",
  i.is_featured as "isFeatured",
  i.created_at,
  i.updated_at
from trending_ideas i
