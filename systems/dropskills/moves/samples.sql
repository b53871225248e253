-- Samples of no product are left behind (leave.toml). The file's type is that of its extension,
-- whatever its case, without the query string and the fragment.
select
  s.id,
  s.product_id as pack_id,
  s.title,
  s.file_url,
  case lower(substring(split_part(split_part(s.file_url, '?', 1), '#', 1) from '\.([^./]*)$'))
    when 'mp4' then 'VIDEO'
    when 'mov' then 'VIDEO'
    when 'mp3' then 'AUDIO'
    when 'wav' then 'AUDIO'
    when 'pdf' then 'PDF'
    else 'IMAGE'
  end as file_type,
  coalesce(s.created_at, timestamptz '1970-01-01 00:00:00+00') as created_at
from samples s
where s.product_id is not null
