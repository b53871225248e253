select id, slug from items where slug !~ '^[a-z0-9]+(-[a-z0-9]+)*$'
