alter table users enable row level security;
create policy if not exists "own row" on users using (true);
