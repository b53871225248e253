-- Every balance is the sum of its ledger, archived movements and all; fails with the first that are not.
do $$
declare
  counted record;
begin
  with ledger as (
    select user_id, sum(amount) as total
      from (select user_id, amount from credit_transactions
            union all select user_id, amount from credit_transactions_archive) both_parts
     group by user_id
  ), compared as (
    select p.id, p.credits_balance, coalesce(l.total, 0) as total
      from profiles p left join ledger l on l.user_id = p.id
  )
  select count(*) as profiles, count(*) filter (where credits_balance <> total) as differ,
         coalesce(sum(total), 0) as credits,
         (array_agg(format('%s: %s, ledger %s', id, credits_balance, total))
            filter (where credits_balance <> total))[1:5] as examples
    into counted from compared;
  if counted.differ > 0 then
    raise exception '% balances are not the sum of their ledger: %', counted.differ,
      array_to_string(counted.examples, '; ')
      using hint = 'select mend_balance(user_id) sets one right; first see who wrote profiles.credits_balance.';
  end if;
  perform repot_upkeep.note(
    jsonb_build_object('profiles', counted.profiles, 'credits', counted.credits,
                       'needing_attention', (select count(*) from profiles where needs_attention)),
    format('%s balances are the sum of their ledger', counted.profiles));
end $$;
