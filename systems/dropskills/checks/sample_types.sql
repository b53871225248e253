-- file_type says what the address ends in, worked out another way than the move does it.
select id, file_url, file_type
from samples
where file_type <> case
  when regexp_replace(file_url, '[?#].*$', '') ~* '\.(mp4|mov)$' then 'VIDEO'
  when regexp_replace(file_url, '[?#].*$', '') ~* '\.(mp3|wav)$' then 'AUDIO'
  when regexp_replace(file_url, '[?#].*$', '') ~* '\.pdf$' then 'PDF'
  else 'IMAGE'
end
