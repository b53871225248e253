-- From the cutover on, a sign-up makes the profile. V1 had functions for it and no trigger that called
-- one. A trigger of this name that somebody hung there by hand gives way; the rollback brings it back.
drop trigger if exists on_auth_user_created on auth.users;
create trigger on_auth_user_created after insert on auth.users
  for each row execute function handle_new_user();

-- V2's copy of e-mail and last sign-in follows the account.
create trigger on_auth_user_changed
  after update of email, email_confirmed_at, last_sign_in_at on auth.users
  for each row
  when ((old.email, old.email_confirmed_at, old.last_sign_in_at)
        is distinct from (new.email, new.email_confirmed_at, new.last_sign_in_at))
  execute function handle_user_changed();
