-- From the cutover on, V2's copy of e-mail and last sign-in follows the account.
create trigger on_auth_user_changed after update of email, last_sign_in_at on auth.users
  for each row
  when (old.email is distinct from new.email
        or old.last_sign_in_at is distinct from new.last_sign_in_at)
  execute function handle_user_changed();
