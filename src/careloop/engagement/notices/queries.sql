-- add_events --
-- A thing that is in this state already has not changed: told twice or late, it is one event. What never was, and of
-- which nobody heard, is none.
insert into notice_event (at, kind, patient_id, thing, state, loop_id, step_id, whom, by, says)
select item.at, item.kind, item.patient_id, item.thing, item.state, item.loop_id::uuid, item.step_id, item.whom,
       item.by, case when last.state = 'out' and item.again <> '' then item.again else item.says end
  from jsonb_to_recordset(%(items)s::jsonb)
    as item (at timestamptz, kind text, patient_id text, thing text, state text, loop_id text, step_id text,
             whom text, by text, says text, again text, place bigint)
  left join lateral (select before.state
                       from notice_event as before
                      where before.thing = item.thing
                      order by before.id desc
                      limit 1) as last on true
 where item.state is distinct from last.state
   and (item.state <> 'never' or last.state is not null)
 order by item.place

-- new_events --
select id, at, kind, patient_id, thing, state, loop_id::text, step_id, whom, by, says
  from notice_event
 where told is null
 order by id
 limit %(most)s
   for update skip locked

-- mark_told --
update notice_event
   set told = %(now)s
 where id = any(%(ids)s)

-- card_in_use --
-- The card of an unseen notice that stands for one of these things: a late message may have joined them since. Looked
-- up card by card: of somebody with many unseen notices all would be read otherwise.
select found.id::text, found.card, found.kind
  from unnest(%(cards)s::text[]) as asked (card)
 cross join lateral (
       select n.id, n.card, n.kind, n.first
         from notice as n
        where n.person = %(person)s
          and n.card = asked.card
          and n.kind = any(%(kinds)s)
          and n.seen is null
          and (n.kind = %(kind)s or n.way <> 'off')
       offset 0) as found
 order by found.kind <> %(kind)s, found.first
 limit 1

-- fold --
-- The notice of this person, card and kind that nobody has seen takes the change, else a new one does (NT-11).
insert into notice (id, person, card, kind, patient_id, loop_id, step_id, safety, way, first, last)
values (%(id)s, %(person)s, %(card)s, %(kind)s, %(patient_id)s, %(loop_id)s, %(step_id)s, %(safety)s, %(way)s,
        %(at)s, %(at)s)
on conflict (tenant_id, person, card, kind) where seen is null do update
   set last = greatest(notice.last, excluded.last), loop_id = coalesce(excluded.loop_id, notice.loop_id),
       step_id = excluded.step_id, patient_id = excluded.patient_id, way = excluded.way,
       mailed = case when excluded.way = 'now' and notice.way <> 'now' then null else notice.mailed end
returning id::text

-- refresh --
update notice
   set last = greatest(last, %(at)s)
 where id = %(id)s::uuid

-- add_change --
insert into notice_change (notice_id, event_id)
values (%(notice)s, %(event)s)
on conflict do nothing

-- notices_of --
select n.id::text, n.person, n.card, n.kind, n.patient_id, n.loop_id::text, n.step_id, n.safety, n.way, n.first,
       n.last, n.seen, n.opened,
       array(select e.says from notice_change as c join notice_event as e on e.tenant_id = c.tenant_id and e.id = c.event_id
              where c.tenant_id = n.tenant_id and c.notice_id = n.id order by e.id desc limit 20) as says,
       (select count(*)::int from notice_change as c where c.tenant_id = n.tenant_id and c.notice_id = n.id) as changes
  from notice as n
 where n.person = %(person)s
   and (n.way <> 'off' or %(all)s)
   and (n.opened is null or %(opened)s)
   and n.last >= %(since)s
 order by n.safety desc, n.last desc, n.id
 limit %(most)s

-- unread --
select count(*)::int as total, count(*) filter (where safety)::int as safety
  from notice
 where person = %(person)s
   and seen is null
   and way <> 'off'

-- mark_seen --
update notice
   set seen = %(now)s
 where person = %(person)s
   and id = any(%(ids)s::uuid[])
   and seen is null

-- mark_opened --
update notice
   set opened = coalesce(opened, %(now)s), seen = coalesce(seen, %(now)s)
 where person = %(person)s
   and id = any(%(ids)s::uuid[])

-- find_notice --
select id::text, patient_id, loop_id::text
  from notice
 where person = %(person)s
   and id = %(id)s::uuid

-- waiting_for_mail --
select id::text, person, card, kind, patient_id, loop_id::text, step_id, safety, way, first, last, seen, opened
  from notice
 where mailed is null
   and seen is null
   and way in ('now', 'digest')
 order by person, id
 limit 2000

-- mark_mailed --
update notice
   set mailed = %(now)s
 where id = any(%(ids)s::uuid[])

-- choices --
select kind, way
  from notice_choice
 where person = %(person)s

-- choices_of --
select person, kind, way
  from notice_choice
 where person = any(%(people)s)

-- choose --
insert into notice_choice (person, kind, way, chosen)
values (%(person)s, %(kind)s, %(way)s, %(now)s)
on conflict (tenant_id, person, kind) do update
   set way = excluded.way, chosen = excluded.chosen

-- unchoose --
delete from notice_choice
 where person = %(person)s
   and kind = %(kind)s

-- people --
select person, address, digest_at, quiet_from, quiet_until, last_mail, last_digest, failed
  from notice_person
 where person = any(%(people)s)

-- save_person --
insert into notice_person (person, address, digest_at, quiet_from, quiet_until)
values (%(person)s, %(address)s, %(digest_at)s, %(quiet_from)s, %(quiet_until)s)
on conflict (tenant_id, person) do update
   set address = excluded.address, digest_at = excluded.digest_at, quiet_from = excluded.quiet_from,
       quiet_until = excluded.quiet_until,
       failed = case when notice_person.address = excluded.address then notice_person.failed else '' end

-- note_mail --
update notice_person
   set last_mail = case when %(digest)s::date is null then %(now)s else last_mail end,
       last_digest = coalesce(%(digest)s::date, last_digest)
 where person = %(person)s

-- note_failed --
update notice_person
   set failed = %(why)s
 where person = %(person)s
   and address = %(address)s

-- on_call_at --
select person
  from on_call
 where starts <= %(now)s
   and ends > %(now)s
 order by starts, person

-- rota --
select id::text, person, starts, ends
  from on_call
 where ends > %(now)s
 order by starts, person
 limit 200

-- add_on_call --
insert into on_call (id, person, starts, ends, added_by)
values (%(id)s, %(person)s, %(starts)s, %(ends)s, %(by)s)

-- drop_on_call --
delete from on_call
 where id = %(id)s::uuid

-- ignored --
-- Notices of the days that nobody opened, the newest first.
select id::text, kind, patient_id, loop_id::text, step_id, last, way
  from notice
 where person = %(person)s
   and opened is null
   and last >= %(since)s
   and last <= %(until)s
 order by last desc, id
 limit 500

-- by_kind --
-- For the owner of the rule: how many of a kind were sent, and how many nobody opened.
select kind, count(*)::int as sent, count(*) filter (where opened is null)::int as ignored,
       count(distinct person)::int as people, count(*) filter (where way = 'off')::int as turned_down
  from notice
 where last >= %(since)s
   and last <= %(until)s
   and (%(person)s = '' or person = %(person)s)
 group by kind
 order by kind
