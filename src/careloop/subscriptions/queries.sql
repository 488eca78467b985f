-- ask --
-- The Subscription is to be served, for whoever wrote it last.
insert into subscription (id, status, version, owner, owner_name, scopes, fingerprint, after_seq)
values (%(id)s, 'requested', %(version)s, %(owner)s, %(owner_name)s, %(scopes)s, %(fingerprint)s, 0)
on conflict (tenant_id, id) do update
   set status = 'requested', version = excluded.version, owner = excluded.owner, owner_name = excluded.owner_name,
       scopes = excluded.scopes, fingerprint = excluded.fingerprint, events = 0, sent = 0, heartbeat_due = null, reason = ''

-- forget --
delete from subscription
 where id = %(id)s

-- forget_events --
delete from subscription_event
 where subscription = %(id)s

-- find --
select id, status, version, owner, owner_name, scopes, fingerprint, after_seq, events, sent, heartbeat_due, reason
  from subscription
 where id = %(id)s

-- served --
select id, status, version, owner, owner_name, scopes, fingerprint, after_seq, events, sent, heartbeat_due, reason
  from subscription
 where status = any (%(statuses)s)
 order by id

-- set_status --
update subscription
   set status = %(status)s, reason = %(reason)s
 where id = %(id)s

-- note_handshake --
update subscription
   set after_seq = 1
 where id = %(id)s

-- activate --
update subscription
   set status = 'active', reason = '', after_seq = %(after_seq)s, heartbeat_due = %(heartbeat_due)s
 where id = %(id)s

-- set_heartbeat --
update subscription
   set heartbeat_due = %(heartbeat_due)s
 where id = %(id)s

-- set_sent --
update subscription
   set sent = greatest(sent, %(sent)s)
 where id = %(id)s

-- add_events --
insert into subscription_event (subscription, number, seq, at, type, id, version, change)
select item.subscription, item.number, item.seq, item.at, item.type, item.id, item.version, item.change
  from jsonb_to_recordset(%(items)s::jsonb)
    as item (subscription text, number bigint, seq bigint, at timestamptz, type text, id text, version int, change text)

-- count_events --
update subscription
   set events = %(events)s
 where id = %(id)s

-- events --
select number, at, type as resource_type, id, version, change
  from subscription_event
 where subscription = %(id)s
   and number between %(low)s and %(high)s
 order by number
 limit %(limit)s

-- sweep_events --
delete from subscription_event
 where at < %(before)s

-- sweep_tokens --
delete from websocket_token
 where expires < %(now)s

-- add_token --
insert into websocket_token (hash, subscriptions, owner, expires)
values (%(hash)s, %(subscriptions)s, %(owner)s, %(expires)s)

-- use_token --
delete from websocket_token
 where hash = %(hash)s
   and expires > %(now)s
returning subscriptions, owner
