select t.id, t.name from tags t
