--
-- PostgreSQL database dump
--

\restrict k3mQmVb8TgwYpLr5

set statement_timeout = 0;
create table users (
  id uuid primary key default gen_random_uuid(),
  email text not null
);

\unrestrict k3mQmVb8TgwYpLr5
