-- look --
-- The tenant's newest change that can be seen, and how far this reader is. Takes no lock and no transaction id.
select coalesce((select seq from change_feed order by seq desc limit 1), 0) as newest,
       feed_cursor.through, feed_cursor.next_through
  from (values (1)) as nothing (here)
  left join feed_cursor
    on feed_cursor.reader = %(reader)s

-- lock --
-- `is_settled`: every transaction that may have taken a number up to `next_through` has ended.
select through, next_through, pg_snapshot_xmin(pg_current_snapshot()) > next_xid as is_settled
  from feed_cursor
 where reader = %(reader)s
   for update skip locked

-- begin --
insert into feed_cursor (reader, through, next_through, next_xid)
values (%(reader)s, %(through)s, %(next_through)s, pg_current_xact_id())
on conflict do nothing

-- move --
update feed_cursor
   set through = %(through)s, next_through = %(next_through)s, next_xid = pg_current_xact_id()
 where reader = %(reader)s

-- reach --
-- Part of a window was read; what is left is as settled as before.
update feed_cursor
   set through = %(through)s
 where reader = %(reader)s

-- forget --
delete from feed_cursor
 where reader = %(reader)s
