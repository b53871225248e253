-- Those of the objects that belong to a role whose rights this one has not, with that role.
select o.class::bigint, o.oid::bigint, pg_catalog.pg_get_userbyid(o.owner)
  from (
    select s.class, s.oid, coalesce(c.relowner, p.proowner, t.typowner, op.oprowner, oc.opcowner,
                                    opf.opfowner, col.collowner, con.conowner, st.stxowner) as owner
      from unnest(%(classes)s::oid[], %(oids)s::oid[]) s(class, oid)
      left join pg_catalog.pg_class c
        on s.class = 'pg_catalog.pg_class'::regclass and c.oid = s.oid
      left join pg_catalog.pg_proc p
        on s.class = 'pg_catalog.pg_proc'::regclass and p.oid = s.oid
      left join pg_catalog.pg_type t
        on s.class = 'pg_catalog.pg_type'::regclass and t.oid = s.oid
      left join pg_catalog.pg_operator op
        on s.class = 'pg_catalog.pg_operator'::regclass and op.oid = s.oid
      left join pg_catalog.pg_opclass oc
        on s.class = 'pg_catalog.pg_opclass'::regclass and oc.oid = s.oid
      left join pg_catalog.pg_opfamily opf
        on s.class = 'pg_catalog.pg_opfamily'::regclass and opf.oid = s.oid
      left join pg_catalog.pg_collation col
        on s.class = 'pg_catalog.pg_collation'::regclass and col.oid = s.oid
      left join pg_catalog.pg_conversion con
        on s.class = 'pg_catalog.pg_conversion'::regclass and con.oid = s.oid
      left join pg_catalog.pg_statistic_ext st
        on s.class = 'pg_catalog.pg_statistic_ext'::regclass and st.oid = s.oid
  ) o
 where o.owner is not null and not pg_catalog.pg_has_role(o.owner, 'usage')
