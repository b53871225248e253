-- The slot and the publication of the run, beside what is noted of them.
select w.slot, w.publication, w.token, w.confirmed::text, s.slot_name is not null,
       s.datoid = d.oid, s.plugin, s.wal_status, s.confirmed_flush_lsn::text,
       s.confirmed_flush_lsn > w.confirmed, s.confirmed_flush_lsn < w.confirmed, w.beyond::text[],
       s.active_pid, p.oid is not null,
       -- Partitions come and go with their table; a child table that is new is not published.
       array(with recursive below as (
               select t.oid from repot.wal_table t where t.run = w.run and t.listed
               union
               select i.inhrelid
                 from below b
                 join pg_catalog.pg_inherits i on i.inhparent = b.oid
                 join pg_catalog.pg_class k on k.oid = b.oid and k.relkind = 'r')
             select b.oid::bigint from below b
              where exists (select from pg_catalog.pg_class c where c.oid = b.oid)
                and not exists (select from pg_catalog.pg_publication_rel r
                                 where r.prpubid = p.oid and r.prrelid = b.oid))
  from repot.wal w
  join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
  left join pg_catalog.pg_replication_slots s on s.slot_name = w.slot
  left join pg_catalog.pg_publication p on p.pubname = w.publication
 where w.run = %(run)s
