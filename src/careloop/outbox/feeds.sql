-- add_feed --
insert into outbound_feed (name, host, port, messages, application, facility, after_seq, added)
values (%(name)s, %(host)s, %(port)s, %(messages)s, %(application)s, %(facility)s, %(after_seq)s, %(now)s)
returning id

-- feeds --
select id, name, host, port, messages, application, facility, after_seq, enabled
  from outbound_feed
 where %(disabled_too)s or enabled
 order by id

-- find_feed --
select id, name, host, port, messages, application, facility, after_seq, enabled
  from outbound_feed
 where id = %(id)s

-- enable_feed --
-- A feed that was off tells of changes from now on.
update outbound_feed
   set enabled = %(enabled)s, after_seq = %(after_seq)s
 where id = %(id)s
