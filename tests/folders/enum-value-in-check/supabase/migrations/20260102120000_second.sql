alter type state add value 'lost';
alter table letters add constraint lost_at
  check (state <> 'lost' or at is not null);
