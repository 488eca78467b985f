-- add_target --
insert into delivery_target (id, kind, not_before)
values (%(id)s, %(kind)s, %(now)s)
on conflict do nothing

-- add_deliveries --
-- A delivery that was handed in before is there already.
insert into delivery (idempotency, target, subject, about, status, payload, body, created, gives_up, due)
select item.idempotency::uuid, item.target, item.subject, item.about, 'waiting', item.payload,
       decode(item.body, 'base64'), %(now)s, item.gives_up, %(now)s
  from jsonb_to_recordset(%(items)s::jsonb)
    as item (idempotency text, target text, subject text, about text, payload jsonb, body text,
             gives_up timestamptz, place bigint)
 order by item.place
on conflict do nothing

-- take_target --
-- One target for which something can be sent now, and which no living worker has. The choice stands in a part of its own:
-- as a table to join with, a plan may ask for it once for each target, and take more than the one that is answered.
with free as materialized (
    select target.tenant_id, target.id
      from delivery_target as target
     where target.not_before <= %(now)s
       and (target.leased_until is null or target.leased_until < clock_timestamp())
       and exists (
           select from delivery as ready
            where ready.tenant_id = target.tenant_id
              and ready.target = target.id
              and ready.status = 'waiting'
              and ready.due <= %(now)s
              and ready.subject <> all (array(
                  select held.subject
                    from delivery as held
                   where held.tenant_id = target.tenant_id
                     and held.target = target.id
                     and held.status = 'waiting'
                     and held.due > %(now)s)))
     order by target.leased_until nulls first, target.not_before, target.id
     limit 1
       for update of target skip locked
)
update delivery_target as taken
   set lease = %(lease)s, leased_until = clock_timestamp() + %(lasts)s
  from free
 where taken.tenant_id = free.tenant_id
   and taken.id = free.id
returning taken.id, taken.kind, taken.failures

-- ready_deliveries --
-- In order; nothing of a subject for which something has to wait: what has to wait is the first of its subject.
select ready.id, ready.idempotency::text, ready.target, ready.subject, ready.about, ready.status, ready.payload,
       ready.body, ready.created, ready.gives_up, ready.due, ready.attempts, ready.tried, ready.finished, ready.reason
  from delivery as ready
 where ready.target = %(target)s
   and ready.status = 'waiting'
   and ready.due <= %(now)s
   and ready.subject <> all (array(
       select held.subject
         from delivery as held
        where held.target = %(target)s
          and held.status = 'waiting'
          and held.due > %(now)s))
 order by ready.id
 limit %(limit)s

-- hold_on --
-- The lease lasts on, if it is still ours.
update delivery_target
   set leased_until = clock_timestamp() + %(lasts)s
 where id = %(target)s
   and lease = %(lease)s

-- give_back --
update delivery_target
   set lease = null, leased_until = null
 where id = %(target)s
   and lease = %(lease)s

-- target_answered --
update delivery_target
   set failures = 0, not_before = least(not_before, %(now)s)
 where id = %(target)s
   and failures > 0

-- target_silent --
update delivery_target
   set failures = failures + 1, not_before = %(until)s
 where id = %(target)s

-- wake_target --
update delivery_target
   set not_before = %(now)s
 where id = %(target)s

-- finish_deliveries --
update delivery
   set status = %(status)s, finished = %(now)s, tried = %(now)s, attempts = attempts + 1, reason = %(reason)s
 where id = any (%(ids)s)
   and status = 'waiting'

-- put_off --
update delivery
   set due = %(due)s, tried = %(now)s, attempts = attempts + 1, reason = %(reason)s
 where id = any (%(ids)s)
   and status = 'waiting'

-- withdraw --
-- What waits for a target will not be sent.
update delivery
   set status = 'withdrawn', finished = %(now)s, reason = %(reason)s
 where target = %(target)s
   and status = 'waiting'

-- repeat --
-- What was given up, withdrawn or done is to be sent once more; what waits is tried at once.
update delivery
   set status = 'waiting', finished = null, due = %(now)s, gives_up = %(gives_up)s, reason = ''
 where id = %(id)s
returning target, subject

-- hurry_subject --
-- What waits for the same subject does not hold it back.
update delivery
   set due = %(now)s
 where target = %(target)s
   and subject = %(subject)s
   and status = 'waiting'
   and due > %(now)s

-- find_delivery --
select id, idempotency::text, target, subject, about, status, payload, body, created, gives_up, due, attempts, tried,
       finished, reason
  from delivery
 where id = %(id)s

-- list_deliveries --
select id, idempotency::text, target, subject, about, status, payload, null::bytea as body, created, gives_up, due,
       attempts, tried, finished, reason
  from delivery
 where (%(status)s::text is null or status = %(status)s)
   and (%(target)s::text is null or target = %(target)s)
   and (%(before)s::bigint is null or id < %(before)s)
 order by id desc
 limit %(limit)s

-- count_deliveries --
select status, count(*) as count
  from delivery
 where (%(target)s::text is null or target = %(target)s)
 group by status

-- sweep --
-- What arrived or is not wanted any more is forgotten after a while; what is dead stays.
delete from delivery
 where finished < %(before)s
   and status in ('done', 'withdrawn')

-- allow_host --
insert into allowed_host (host, added, added_by)
values (%(host)s, %(now)s, %(who)s)
on conflict do nothing

-- forbid_host --
delete from allowed_host
 where host = %(host)s

-- allowed_hosts --
select host
  from allowed_host
 order by host
