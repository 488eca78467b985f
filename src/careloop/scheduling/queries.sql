-- open_diaries --
-- Each actor has a diary; their numbers.
with asked as (
    select unnest(%(actors)s::text[]) as actor
), made as (
    insert into diary (actor) select actor from asked
    on conflict do nothing
    returning actor, number
)
select actor, number from made
union all
select diary.actor, diary.number
  from diary
 where diary.actor = any (%(actors)s::text[])

-- release --
-- What some holders took is free again.
delete from booking
 where holder = any (%(holders)s::text[])
returning holder, actor, kind, status, starts, ends, clash

-- take --
-- Taken where nobody else has it; the holders and actors that were taken.
insert into booking (holder, actor, number, kind, status, starts, ends, clash)
select holder, actor, number, kind, status, starts, ends, false
  from jsonb_to_recordset(%(items)s::jsonb)
       as item (holder text, actor text, number bigint, kind text, status text, starts timestamptz, ends timestamptz)
    on conflict do nothing
returning holder, actor

-- keep_beside --
-- Kept although somebody else has the time.
insert into booking (holder, actor, number, kind, status, starts, ends, clash)
select holder, actor, number, kind, status, starts, ends, true
  from jsonb_to_recordset(%(items)s::jsonb)
       as item (holder text, actor text, number bigint, kind text, status text, starts timestamptz, ends timestamptz)

-- withdraw_holds --
-- Holds that stand in the way of what came from outside, whole.
delete from booking
 where holder in (
       select holder from booking
        where kind = 'hold'
          and actor = %(actor)s
          and starts < %(ends)s
          and ends > %(starts)s
 )
returning holder, actor, kind, status, starts, ends, clash

-- clashes_around --
-- Those kept beside that may stand for themselves now, the oldest first.
select holder, actor, number, kind, status, starts, ends
  from booking
 where clash
   and actor = %(actor)s
   and starts < %(ends)s
   and ends > %(starts)s
 order by starts, holder
   for update

-- settle --
-- It clashes with nobody any more.
update booking
   set clash = false
 where holder = %(holder)s
   and actor = %(actor)s
   and not exists (
       select 1 from booking as other
        where other.actor = booking.actor
          and other.holder <> booking.holder
          and not other.clash
          and other.starts < booking.ends
          and other.ends > booking.starts
   )

-- taken_of --
-- What is taken of some actors in a window.
select holder, actor, kind, status, starts, ends, clash
  from booking
 where actor = any (%(actors)s::text[])
   and starts < %(ends)s
   and ends > %(starts)s
 order by starts, actor, holder

-- taken_by --
-- What some holders take.
select holder, actor, kind, status, starts, ends, clash
  from booking
 where holder = any (%(holders)s::text[])
 order by starts, actor

-- clashes --
-- What clashes from some moment on, the first first.
select holder, actor, kind, status, starts, ends, clash
  from booking
 where clash
   and ends > %(since)s
 order by starts, actor, holder
 limit %(limit)s

-- in_order --
-- Bookings that overlap without being marked as clashes: never any.
select one.holder, other.holder as beside, one.actor
  from booking as one
  join booking as other
    on other.tenant_id = one.tenant_id and other.actor = one.actor and other.holder > one.holder
   and other.starts < one.ends and other.ends > one.starts
 where not one.clash and not other.clash

-- add_offer --
-- The offer stands; no row where the time or the person has one already.
insert into visit_offer
       (id, waiting_id, patient_id, actor, starts, ends, freed_by, freed_until, owner, why, state, offered, expires)
values (%(id)s, %(waiting_id)s, %(patient_id)s, %(actor)s, %(starts)s, %(ends)s, %(freed_by)s, %(freed_until)s, %(owner)s, %(why)s,
        'open', %(offered)s, %(expires)s)
    on conflict do nothing

-- offers_open --
-- Offers that wait for an answer, the first to expire first.
select id, waiting_id, patient_id, actor, starts, ends, freed_by, freed_until, owner, why, state, offered, expires, answered,
       answered_by
  from visit_offer
 where state = 'open'
 order by expires, id

-- offer --
select id, waiting_id, patient_id, actor, starts, ends, freed_by, freed_until, owner, why, state, offered, expires, answered,
       answered_by
  from visit_offer
 where id = %(id)s
   for update

-- offers_over --
-- Offers whose time to answer is over.
select id
  from visit_offer
 where state = 'open'
   and expires <= %(now)s
 order by expires, id

-- end_offer --
update visit_offer
   set state = %(state)s, answered = %(now)s, answered_by = %(by)s
 where id = %(id)s
   and state = 'open'

-- asked_about --
-- Who was asked about this freed time already.
select waiting_id
  from visit_offer
 where actor = %(actor)s
   and starts = %(starts)s
   and freed_by = %(freed_by)s

-- asked_now --
-- Who has an open offer.
select waiting_id
  from visit_offer
 where state = 'open'

-- offers_of --
-- Open offers of some waiting persons.
select id
  from visit_offer
 where state = 'open'
   and waiting_id = any (%(waiting)s::text[])

-- make_feed --
insert into calendar_feed (id, practitioner, secret_hash, made, made_by)
values (%(id)s, %(practitioner)s, %(hash)s, %(made)s, %(by)s)

-- revoke_feeds --
update calendar_feed
   set revoked = %(now)s
 where practitioner = %(practitioner)s
   and revoked is null

-- feed_of --
select id, practitioner, made, last_read
  from calendar_feed
 where practitioner = %(practitioner)s
   and revoked is null

-- feed_by_secret --
select id, practitioner, made, last_read
  from calendar_feed
 where secret_hash = %(hash)s
   and revoked is null

-- note_read --
update calendar_feed
   set last_read = %(now)s
 where id = %(id)s

-- add_links --
insert into visit_link (secret_hash, appointment_id, party, made)
select decode(hash, 'hex'), appointment_id, party, %(now)s
  from jsonb_to_recordset(%(items)s::jsonb) as item (hash text, appointment_id text, party text)

-- drop_links --
delete from visit_link
 where appointment_id = %(appointment_id)s

-- link --
select appointment_id, party, opened
  from visit_link
 where secret_hash = %(hash)s

-- note_opened --
update visit_link
   set opened = coalesce(opened, %(now)s)
 where secret_hash = %(hash)s

-- links_of --
select party, opened
  from visit_link
 where appointment_id = %(appointment_id)s

-- some_visits --
-- All rows of so many Appointments, by their id.
select holder, actor, kind, status, starts, ends, clash
  from booking
 where holder in (
       select distinct holder from booking
        where kind = 'visit' and holder > %(after)s
        order by holder
        limit %(limit)s
 )
   and kind = 'visit'
 order by holder, actor
