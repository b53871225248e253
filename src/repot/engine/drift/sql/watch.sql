-- The body of the event triggers' function: the run's id and the schemas of its plan are put in.
-- Whatever goes wrong here is nobody's business but Repot's: the user's DDL goes on.
begin
 if current_setting('application_name') like 'repot%' then
  return;
 end if;
 if tg_event = 'ddl_command_end' then
  insert into repot.ddl (run, role, application, tag, kind, object, oids)
  select {run}, session_user, left(current_setting('application_name'), 64), c.command_tag,
         c.object_type, c.object_identity, array_remove(array[c.objid, owner.oid], null)
    from pg_event_trigger_ddl_commands() c
    left join lateral (
           select t.tgrelid as oid from pg_trigger t
            where c.classid = 'pg_trigger'::regclass and t.oid = c.objid
           union all
           select r.ev_class from pg_rewrite r
            where c.classid = 'pg_rewrite'::regclass and r.oid = c.objid) owner on true
   where (c.schema_name = any ({schemas}) and c.object_type not in ('sequence', 'index'))
      or c.objid in (select oid from repot.relation where run = {run} union all
                     select oid from repot.ground where run = {run} and kind in ('table', 'function'))
      or owner.oid in (select oid from repot.relation where run = {run})
      or exists (select from pg_inherits i join repot.relation r on r.oid = i.inhparent
                  where i.inhrelid = c.objid and r.run = {run})
      or exists (select from pg_class k join repot.relation r on r.oid = k.oid
                  where k.relnamespace = c.objid and r.run = {run}
                    and c.classid = 'pg_namespace'::regclass)
      or exists (select from pg_rewrite w join repot.ground g on g.oid = w.oid
                  where w.ev_class = c.objid and g.run = {run} and g.kind = 'rule')
      or exists (select from pg_enum e join repot.ground g on g.oid = e.oid
                  where e.enumtypid = c.objid and g.run = {run} and g.kind = 'label');
 else
  insert into repot.ddl (run, role, application, tag, kind, object, oids)
  select {run}, session_user, left(current_setting('application_name'), 64), tg_tag,
         d.object_type, d.object_identity, array_remove(array[d.objid, owner.oid], null)
    from pg_event_trigger_dropped_objects() d
    left join lateral (
           select case when d.object_type in ('trigger', 'rule', 'policy')
                       then to_regclass(format('%I.%I', d.address_names[1], d.address_names[2]))::oid
                  end as oid) owner on true
   where (d.original and d.schema_name = any ({schemas}))
      or (d.original and owner.oid in (select oid from repot.relation where run = {run}))
      or (d.classid = 'pg_class'::regclass and d.objsubid = 0
          and d.objid in (select oid from repot.relation where run = {run} union all
                          select oid from repot.ground where run = {run} and kind = 'table'))
      or (d.classid = 'pg_proc'::regclass
          and d.objid in (select oid from repot.ground where run = {run} and kind = 'function'));
 end if;
exception when others then
 null;
end
