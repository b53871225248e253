-- Whether the ground of this build of the run is noted: a new build has other tables.
select not exists (
  select from repot.relation r
   where r.run = %(run)s
     and not exists (select from repot.ground g
                      where g.run = r.run and g.kind = 'table' and g.oid = r.oid))
