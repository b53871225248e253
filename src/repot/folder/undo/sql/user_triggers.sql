-- Triggers of users that are at work on a table, with the word that puts each on again.
select t.tgname, case t.tgenabled when 'A' then 'enable always' else 'enable' end
  from pg_catalog.pg_trigger t
 where t.tgrelid = %(table)s and not t.tgisinternal and t.tgenabled in ('O', 'A')
 order by t.tgname collate "C"
