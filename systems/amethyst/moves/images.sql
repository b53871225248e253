select i.id, i.hash, i.storage_path, i.public_url, i.width, i.height, i.format, i.file_size_bytes,
       i.is_nsfw, i.created_at, coalesce(i.metadata, '{}') as metadata
from images i
