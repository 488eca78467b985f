-- feed_status --
-- What came through each feed: how much, how much of it waits or is dead, and when the last came.
select feed.id,
       count(inbox.id) as received,
       count(inbox.id) filter (where inbox.status = 'received') as waiting,
       count(inbox.id) filter (where inbox.status = 'dead') as dead,
       max(inbox.received) as last_received
  from feed
  left join inbox on inbox.tenant_id = feed.tenant_id
                 and inbox.feed_id = feed.id
                 and inbox.received > %(since)s
 where feed.enabled
 group by feed.id
 order by feed.id
