create function touch() returns trigger language plpgsql as $$
begin
  new.email := lower(new.email);
  return new;
end $$;
