alter type state add value if not exists 'lost';
insert into letters (id, state) values (1, 'sent'), (2, 'lost');
