-- What speaks against archiving a table, all at once. Nothing is changed by asking.
create or replace function repot_upkeep.archive_before(settings jsonb, live regclass, archive regclass,
    archive_schema text)
  returns jsonb language plpgsql stable set search_path = pg_catalog,
      pg_temp set row_security = off as $$
declare
  named text := repot_upkeep.shown(live);
  findings jsonb := '[]';
  moved boolean := false;
  shared boolean := false;
  lacking text[];
  one record;
begin
  lacking := array(select p from unnest(array['SELECT', 'UPDATE', 'DELETE']) p
                    where not has_table_privilege(live, p));
  if lacking <> '{}' then
    findings := findings || repot_upkeep.finding(
      'archive-rights', 'error', format('%s may not %s rows of %s', quote_ident(current_user),
          lower(array_to_string(lacking, ', ')), named),
      format('grant %s on %s to %I;', lower(array_to_string(lacking, ', ')), named, current_user),
          named);
  end if;
  if archive is null and not coalesce(
       has_schema_privilege(to_regnamespace(quote_ident(archive_schema))::oid, 'CREATE'),
       has_database_privilege(current_database(), 'CREATE')) then
    findings := findings || repot_upkeep.finding(
      'archive-rights', 'error', format('%s may not make the archive in the schema %I',
          quote_ident(current_user), archive_schema),
      format('grant create on schema %I to %I; or make the table yourself and name it by "into"',
          archive_schema, current_user), named);
  end if;
  if archive is not null then
    lacking := array(select p from unnest(array['SELECT',
        'INSERT']) p where not has_table_privilege(archive, p));
    if lacking <> '{}' then
      findings := findings || repot_upkeep.finding(
        'archive-rights', 'error', format('%s may not %s rows of %s', quote_ident(current_user),
            lower(array_to_string(lacking, ', ')), repot_upkeep.shown(archive)),
        format('grant %s on %s to %I;', lower(array_to_string(lacking, ', ')),
            repot_upkeep.shown(archive), current_user), repot_upkeep.shown(archive));
    end if;
    for one in
      select string_agg(distinct coalesce(r.rolname, 'public'), ', ') as who
        from pg_class c cross join aclexplode(c.relacl) x left join pg_roles r on r.oid = x.grantee
       where c.oid = archive and not c.relrowsecurity
         and (x.grantee = 0 or r.rolname in ('anon', 'authenticated'))
      having count(*) > 0
    loop
      findings := findings || repot_upkeep.finding(
        'archive-open', 'error', format('%s is open to %s, without row-level security',
            repot_upkeep.shown(archive), one.who),
        format('alter table %s enable row level security;', repot_upkeep.shown(archive)),
            repot_upkeep.shown(archive));
    end loop;
  end if;

  if (select a.relpersistence <> 'p' and l.relpersistence = 'p'
        from pg_class a, pg_class l where a.oid = archive and l.oid = live) then
    findings := findings || repot_upkeep.finding(
      'archive-unlogged', 'error', format('%s is unlogged: a crash would empty it',
          repot_upkeep.shown(archive)),
      format('alter table %s set logged;', repot_upkeep.shown(archive)), repot_upkeep.shown(archive));
  end if;

  -- Two tables of one name would end in one archive, where nobody could tell their rows apart.
  if archive is not null and settings ->> 'into' = '' then
    shared := exists (
      select from repot_upkeep.archived d
       where d.archive = repot_upkeep.shown(archive_before.archive) and d.how = 'rows'
         and d.live <> named);
  end if;
  if shared then
    findings := findings || repot_upkeep.finding(
      'archive-shared', 'error',
      format('%s holds rows of another table of this name', repot_upkeep.shown(archive)),
      'name another archive for ' || named || ' by "into"', named);
  end if;

  -- A table that Repot is moving: whatever leaves V1 leaves V2, too, and sums over it would change.
  if settings ->> 'moving' = 'refuse' then
    moved := exists (select from pg_trigger where tgrelid = any (repot_upkeep.leaves(live) || live)
                        and tgname like 'repot\_capture\_%');
    if not moved and to_regclass('repot.capture') is not null then
      begin  -- read from the WAL, it has no triggers
        execute 'select exists (select from repot.capture c where c.oid = any ($1))'
          into moved using (repot_upkeep.leaves(live) || live)::oid[];
      exception when insufficient_privilege then null;
      end;
    end if;
    if moved then
      findings := findings || repot_upkeep.finding(
        'archive-moving', 'error',
            format('Repot is moving %s, or keeps the way back open: its rows stay until that is over',
                named),
        'after `repot cleanup` the task runs; moving = "allow" archives meanwhile: rows that leave V1 leave V2 with them', named);
    end if;
  end if;

  for one in
    select distinct t.tgname, t.tgfoid::regproc::text as calls from pg_trigger t
     where t.tgrelid = any (repot_upkeep.leaves(live) || live) and not t.tgisinternal
         and t.tgenabled in ('O', 'A')
       and t.tgtype & 8 = 8  -- DELETE
       and t.tgname not like 'repot\_capture\_%'
       and t.tgname <> all (repot_upkeep.listed(settings, 'triggers'))
     order by 1
  loop
    findings := findings || repot_upkeep.finding(
      'archive-trigger', 'error',
          format('the trigger %I of %s runs %s when rows are deleted, as they are when they are archived',
                 one.tgname, named, one.calls),
      format('see what it does; if that is right for archiving, too: triggers = [%s]',
          to_json(one.tgname::text)), named);
  end loop;
  for one in
    select rulename from pg_rewrite where ev_class = any (repot_upkeep.leaves(live)
        || live) and ev_type = '4'
  loop
    findings := findings || repot_upkeep.finding(
      'archive-rule', 'error', format('the rule %I of %s changes what DELETE does', one.rulename, named),
      'archive a table without rules on DELETE', named);
  end loop;
  if (select relkind from pg_class where oid = live) = 'r' and exists (select
      from pg_inherits where inhparent = live) then
    findings := findings || repot_upkeep.finding(
      'archive-inherits', 'info', format('tables inherit from %s: only its own rows are archived',
          named), '', named);
  end if;
  if not exists (
       select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid = live and i.indisvalid and a.attname = settings ->> 'column') then
    findings := findings || repot_upkeep.finding(
      'archive-slow', 'info', format('no index of %s begins with %I: every chunk reads the whole table',
          named, settings ->> 'column'),
      format('create index concurrently on %s (%I);', named, settings ->> 'column'), named);
  end if;
  return findings;
end $$;
