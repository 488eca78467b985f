-- feed_status --
-- Each feed: what came in a day and an hour, what waits, what is dead, and how the last message begins.
select feed.id,
       last.received as last_received,
       last.head as last_head,
       (select count(*) from inbox where inbox.feed_id = feed.id and inbox.received > %(since)s) as received,
       (select count(*) from inbox where inbox.feed_id = feed.id and inbox.received > %(hour)s) as last_hour,
       (select count(*) from inbox where inbox.feed_id = feed.id and inbox.status = 'received') as waiting,
       (select count(*) from inbox where inbox.feed_id = feed.id and inbox.status = 'dead') as dead
  from feed
  left join lateral (
       select inbox.received, substring(inbox.raw from 1 for 500) as head
         from inbox
        where inbox.feed_id = feed.id
        order by inbox.received desc
        limit 1
  ) as last on true
 order by feed.id

-- feed_habits --
-- What came in the same span of time 1 to 28 days before: from the last message on, for a day at most. `began` says
-- whether the feed spoke before that span at all.
select asked.feed_id,
       ago.days,
       (select count(*)
          from (select 1
                  from inbox
                 where inbox.feed_id = asked.feed_id
                   and inbox.received > asked.last - make_interval(days => ago.days)
                   and inbox.received <= asked.until - make_interval(days => ago.days)
                 limit 1000) as counted) as came,
       exists (select 1
                 from inbox
                where inbox.feed_id = asked.feed_id
                  and inbox.received <= asked.last - make_interval(days => ago.days)) as began
  from unnest(%(feeds)s::int[], %(last)s::timestamptz[], %(until)s::timestamptz[]) as asked (feed_id, last, until)
 cross join unnest(array[1, 2, 3, 4, 5, 6, 7, 14, 21, 28]) as ago (days)
 order by asked.feed_id, ago.days

-- lock_feed --
select version
  from feed
 where id = %(id)s
   for update

-- change_feed --
update feed
   set name = %(name)s,
       zone = %(zone)s,
       maps = %(maps)s::jsonb,
       senders = %(senders)s,
       enabled = %(enabled)s,
       version = %(version)s
 where id = %(id)s

-- add_version --
insert into feed_version (feed_id, version, at, by_whom, by_name, what, settings)
values (%(feed_id)s, %(version)s, %(at)s, %(by_whom)s, %(by_name)s, %(what)s, %(settings)s::jsonb)
    on conflict do nothing

-- versions --
select version, at, by_whom, by_name, what, settings
  from feed_version
 where feed_id = %(feed_id)s
 order by version desc
 limit %(limit)s

-- get_version --
select version, at, by_whom, by_name, what, settings
  from feed_version
 where feed_id = %(feed_id)s
   and version = %(version)s

-- last_messages --
-- The last messages of a feed as they are read, newest first.
select id, coalesce(corrected, raw) as raw, received, status, sending_application, sending_facility
  from inbox
 where feed_id = %(feed_id)s
   and kind = 'hl7v2'
   and (%(sender)s::text is null or sending_application || '|' || sending_facility = %(sender)s)
 order by received desc
 limit %(limit)s

-- senders_of_feed --
-- Who spoke through a feed lately, and how much.
select sending_application || '|' || sending_facility as sender,
       count(*) as messages,
       max(received) as last_received
  from (select sending_application, sending_facility, received
          from inbox
         where feed_id = %(feed_id)s
           and kind = 'hl7v2'
         order by received desc
         limit %(limit)s) as lately
 where sending_application <> '' or sending_facility <> ''
 group by 1
 order by messages desc, sender

-- dead_of_feed --
-- What could not be used, oldest first.
select id, coalesce(corrected, raw) as raw, received, stage
  from inbox
 where feed_id = %(feed_id)s
   and status = 'dead'
   and kind in ('hl7v2', 'frame')
   and stage not in ('ahead', 'control-id')
 order by id
 limit %(limit)s

-- all_feeds --
select id, kind, name, host, port, zone, maps, senders, enabled, version
  from feed
 order by port, id
