-- insert_messages --
-- Messages that count: a control id (feeds) or a content (files) that is there already gives no row back.
insert into inbox
       (kind, origin, source, feed_id, sending_application, sending_facility, control_id, digest, raw, received, lane,
        counts, answer, status, stage, at, reason, next_attempt)
select 'hl7v2', new.origin, new.source, new.feed_id, new.sending_application, new.sending_facility, new.control_id,
       new.digest, new.raw, new.received, new.lane, new.counts, new.answer, new.status, new.stage, new.at, new.reason,
       new.received
  from unnest(%(origin)s::text[], %(source)s::text[], %(feed_id)s::int[], %(sending_application)s::text[],
              %(sending_facility)s::text[], %(control_id)s::text[], %(digest)s::bytea[], %(raw)s::bytea[],
              %(received)s::timestamptz[], %(lane)s::smallint[], %(counts)s::boolean[], %(answer)s::text[],
              %(status)s::text[], %(stage)s::text[], %(at)s::text[], %(reason)s::text[])
       with ordinality as new (origin, source, feed_id, sending_application, sending_facility, control_id, digest, raw,
                               received, lane, counts, answer, status, stage, at, reason, place)
 order by new.place
    on conflict do nothing
returning id, origin, sending_application, sending_facility, control_id, digest, counts

-- find_by_control_id --
-- What stands in the inbox under control ids that are used already.
select inbox.id, inbox.sending_application, inbox.sending_facility, inbox.control_id, inbox.digest, inbox.answer,
       inbox.status, inbox.stage, inbox.at, inbox.reason
  from inbox
  join unnest(%(sending_application)s::text[], %(sending_facility)s::text[], %(control_id)s::text[])
       as wanted (application, facility, control_id)
    on inbox.sending_application = wanted.application
   and inbox.sending_facility = wanted.facility
   and inbox.control_id = wanted.control_id
 where inbox.origin = 'feed'
   and inbox.counts

-- find_by_content --
select id, digest, answer, status, stage, at, reason
  from inbox
 where origin = 'file'
   and counts
   and digest = any(%(digest)s::bytea[])

-- insert_other --
-- Something that is no message: a broken frame, a file of a kind we do not read.
insert into inbox (kind, origin, source, feed_id, digest, raw, received, lane, counts, answer, status, stage, at, reason,
                   next_attempt)
values (%(kind)s, %(origin)s, %(source)s, %(feed_id)s, %(digest)s, %(raw)s, %(received)s, 0, false, 'AR', 'dead',
        %(stage)s, %(at)s, %(reason)s, %(received)s)
returning id

-- claim --
-- Rows to process, oldest first, each handed to one worker. Lanes keep the order of one sender's one patient: a lane
-- belongs to whoever holds its lock until the transaction ends.
with waiting as materialized (
    select id, lane
      from inbox
     where status = 'received'
       and next_attempt <= %(now)s
     order by id
     limit 200
), lanes as materialized (
    select lane
      from (select lane, min(id) as first_id from waiting group by lane order by min(id) limit 32) as wanted
     where pg_try_advisory_xact_lock(%(lock)s, wanted.lane)
)
select inbox.id, inbox.origin, inbox.source, inbox.feed_id, inbox.sending_application, inbox.sending_facility,
       inbox.control_id, coalesce(inbox.corrected, inbox.raw) as raw, inbox.received, inbox.attempts
  from inbox
  join waiting on waiting.id = inbox.id
  join lanes on lanes.lane = inbox.lane
 where inbox.status = 'received'
 order by inbox.id
 limit %(batch)s
   for update of inbox skip locked

-- get_for_processing --
select id, origin, source, feed_id, sending_application, sending_facility, control_id, coalesce(corrected, raw) as raw,
       received, attempts, status
  from inbox
 where id = %(id)s
   for update

-- finish --
update inbox
   set status = done.status,
       stage = done.stage,
       at = done.at,
       reason = done.reason,
       attempts = inbox.attempts + 1,
       next_attempt = done.next_attempt,
       finished = %(now)s,
       result = done.result
  from unnest(%(id)s::bigint[], %(status)s::text[], %(stage)s::text[], %(at)s::text[], %(reason)s::text[],
              %(next_attempt)s::timestamptz[], array(select jsonb_array_elements(%(result)s::jsonb)))
       as done (id, status, stage, at, reason, next_attempt, result)
 where inbox.id = done.id

-- reopen --
-- A dead letter is to be processed again; anything else stays as it is.
update inbox
   set status = 'received',
       answer = 'AA',
       stage = '',
       at = '',
       reason = '',
       attempts = 0,
       next_attempt = %(now)s
 where id = %(id)s
   and status in ('dead', 'discarded')

-- refuse_again --
update inbox
   set status = 'dead',
       stage = %(stage)s,
       at = %(at)s,
       reason = %(reason)s
 where id = %(id)s
   and status in ('dead', 'discarded')

-- discard --
update inbox
   set status = 'discarded',
       reason = %(why)s,
       finished = %(now)s
 where id = %(id)s
   and status = 'dead'

-- correct --
update inbox
   set corrected = %(raw)s,
       corrected_by = %(by)s,
       corrected_at = %(now)s
 where id = %(id)s
   and status = 'dead'

-- envelope --
-- A corrected message may name another sender or control id.
update inbox
   set sending_application = %(application)s,
       sending_facility = %(facility)s,
       control_id = %(control_id)s,
       kind = 'hl7v2',
       lane = %(lane)s
 where id = %(id)s

-- list_items --
select id, kind, status, control_id, sending_application, sending_facility, received, stage, at, reason, attempts, source
  from inbox
 where (%(status)s::text is null or status = %(status)s)
   and (%(control_id)s::text is null or control_id = %(control_id)s)
   and (%(before)s::bigint is null or id < %(before)s)
 order by id desc
 limit %(limit)s

-- count_items --
select count(*) as total
  from inbox
 where (%(status)s::text is null or status = %(status)s)
   and (%(control_id)s::text is null or control_id = %(control_id)s)

-- get_item --
select id, kind, status, control_id, sending_application, sending_facility, received, stage, at, reason, attempts, source,
       raw, corrected, corrected_by, corrected_at, result, feed_id, origin
  from inbox
 where id = %(id)s

-- pending --
select count(*) as pending
  from inbox
 where status = 'received'

-- oldest_waiting --
select min(received) as oldest
  from inbox
 where status = 'received'

-- ahead_that_are_due --
-- Messages that were dated too far ahead and whose time has come.
update inbox
   set status = 'received',
       stage = '',
       at = '',
       reason = '',
       next_attempt = %(now)s
 where status = 'dead'
   and stage = 'ahead'
   and next_attempt <= %(now)s

-- raise_unmatched --
-- Events that found nothing to act on for 24 hours become dead letters that a person looks at (TR-06).
with due as (
    update stay_event
       set raised = %(now)s
     where unmatched
       and raised is null
       and received <= %(before)s
    returning inbox_id, effect
)
update inbox
   set status = 'dead',
       stage = 'stay',
       at = 'EVN',
       reason = case
                    when due.effect like 'cancel-%%' then 'expected an event of this stay to cancel; none came in 24 hours'
                    else 'expected a visit of this person; the visit belongs to another person'
                end
  from due
 where inbox.id = due.inbox_id

-- lock_stays --
-- These stays are folded by one transaction at a time; locked in one order, so that two never wait for each other.
select pg_advisory_xact_lock(hashtextextended(wanted.name, %(tenant_id)s))
  from (select unnest(%(names)s::text[]) as name order by 1) as wanted

-- add_stay_events --
-- The events are kept once; all events of their stays come back, the new ones too.
with added as (
    insert into stay_event
           (encounter_id, code, effect, event_time, recorded, received, patient_id, prior_patient_id, content, digest,
            inbox_id)
    select *
      from unnest(%(encounter_id)s::text[], %(code)s::text[], %(effect)s::text[], %(event_time)s::timestamptz[],
                  %(recorded)s::timestamptz[], %(received)s::timestamptz[], %(patient_id)s::text[],
                  %(prior_patient_id)s::text[], array(select jsonb_array_elements(%(content)s::jsonb)), %(digest)s::bytea[], %(inbox_id)s::bigint[])
        on conflict do nothing
    returning encounter_id, id, code, effect, event_time, recorded, patient_id, prior_patient_id, content, unmatched
)
select encounter_id, id, code, effect, event_time, recorded, patient_id, prior_patient_id, content, unmatched
  from stay_event
 where encounter_id = any(%(encounter_id)s::text[])
 union all
select encounter_id, id, code, effect, event_time, recorded, patient_id, prior_patient_id, content, unmatched
  from added

-- stay_events --
select id, code, effect, event_time, recorded, patient_id, prior_patient_id, content, unmatched
  from stay_event
 where encounter_id = %(encounter_id)s

-- unsettled_stays --
-- Stays in which this patient was named and some event found nothing to act on.
select distinct stay_event.encounter_id
  from stay_event
  join stay_event as mine on mine.encounter_id = stay_event.encounter_id
 where mine.patient_id = %(patient_id)s
   and stay_event.unmatched

-- mark_unmatched --
update stay_event
   set unmatched = (id = any(%(unmatched)s::bigint[]))
 where encounter_id = %(encounter_id)s
   and unmatched <> (id = any(%(unmatched)s::bigint[]))

-- told --
select patient_id, told
  from person_fact
 where patient_id = any(%(patients)s::text[])

-- put_told --
insert into person_fact (patient_id, told)
select new.patient_id, new.told
  from unnest(%(patients)s::text[], array(select jsonb_array_elements(%(told)s::jsonb))) as new (patient_id, told)
 order by new.patient_id
    on conflict (tenant_id, patient_id) do update
   set told = excluded.told

-- list_feeds --
select id, kind, name, host, port, zone, maps, senders, enabled, version
  from feed
 where enabled
 order by port

-- get_feed --
select id, kind, name, host, port, zone, maps, senders, enabled, version
  from feed
 where id = %(id)s

-- add_feed --
insert into feed (kind, name, host, port, zone, maps, senders, created)
values (%(kind)s, %(name)s, %(host)s, %(port)s, %(zone)s, %(maps)s::jsonb, %(senders)s, %(now)s)
    on conflict do nothing
returning id, kind, name, host, port, zone, maps, senders, enabled, version

-- accept_sender --
update feed
   set senders = array_append(senders, %(sender)s),
       version = version + 1
 where id = %(id)s
   and not senders @> array[%(sender)s]

-- sender_of --
select sending_application || '|' || sending_facility as sender
  from inbox
 where id = %(id)s

-- dead_of_sender --
-- What one sender sent before it was accepted, oldest first.
select id
  from inbox
 where status = 'dead'
   and stage = 'sender'
   and feed_id = %(feed_id)s
   and sending_application || '|' || sending_facility = %(sender)s
 order by id

-- still_waiting --
select id
  from inbox
 where id = any(%(ids)s)
   and status = 'received'
 order by id

-- outcomes --
select id, status, stage, at, reason, control_id, result
  from inbox
 where id = any(%(ids)s)

-- kept_already --
select id
  from inbox
 where kind = 'file'
   and digest = %(digest)s
   and status in ('dead', 'discarded')
 limit 1

-- document_used --
update inbox
   set status = 'processed',
       stage = '',
       at = '',
       reason = '',
       finished = %(now)s,
       result = %(result)s::jsonb
 where id = %(id)s
   and status in ('dead', 'discarded')

-- document_refused --
update inbox
   set status = 'dead',
       at = %(at)s,
       reason = %(reason)s
 where id = %(id)s
