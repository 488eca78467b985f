-- save_profile --
insert into staff_profile (practitioner, languages, states, licences, working)
values (%(practitioner)s, %(languages)s, %(states)s, %(licences)s::jsonb, %(working)s::jsonb)
on conflict (tenant_id, practitioner) do update
   set languages = excluded.languages, states = excluded.states, licences = excluded.licences,
       working = excluded.working
 where (staff_profile.languages, staff_profile.states, staff_profile.licences, staff_profile.working)
       is distinct from (excluded.languages, excluded.states, excluded.licences, excluded.working)

-- profiles --
select practitioner, languages, licences, working
  from staff_profile
 where practitioner = any(%(practitioners)s)

-- seats --
-- A few present holders of each role and quality, from a point of the ring on and around it: the same few reads however
-- many sit there.
select distinct wanted.role, near.practitioner
  from unnest(%(roles)s::text[], %(qualities)s::text[]) as wanted (role, quality)
 cross join lateral (
        select few.practitioner
          from (select * from (
                    select s.practitioner, 0 as lap, s.spin
                      from staff_seat as s
                     where s.role = wanted.role
                       and s.quality = wanted.quality
                       and s.spin >= %(spin)s
                       and not exists (select from absence as a
                                        where a.practitioner = s.practitioner
                                          and a.over is null and a.starts <= %(now)s and a.ends > %(now)s)
                     order by s.spin
                     limit %(few)s) as first_lap
                 union all
                select * from (
                    select s.practitioner, 1 as lap, s.spin
                      from staff_seat as s
                     where s.role = wanted.role
                       and s.quality = wanted.quality
                       and s.spin < %(spin)s
                       and not exists (select from absence as a
                                        where a.practitioner = s.practitioner
                                          and a.over is null and a.starts <= %(now)s and a.ends > %(now)s)
                     order by s.spin
                     limit %(few)s) as second_lap) as few
         order by few.lap, few.spin
         limit %(few)s) as near

-- add_absence --
insert into absence (id, practitioner, starts, ends, cover, why, by, noted)
values (%(id)s, %(practitioner)s, %(starts)s, %(ends)s, %(cover)s, %(why)s, %(by)s, %(noted)s)

-- absences_now --
select id::text, practitioner, starts, ends, cover, why, by, noted, begun, over
  from absence
 where practitioner = any(%(practitioners)s)
   and over is null
   and starts <= %(now)s
   and ends > %(now)s
 order by practitioner, ends desc

-- absences_ahead --
-- Those that are not over, the first first.
select id::text, practitioner, starts, ends, cover, why, by, noted, begun, over
  from absence
 where over is null
 order by starts, id

-- absence --
-- By the text of its id, so that what is no id finds nothing.
select id::text, practitioner, starts, ends, cover, why, by, noted, begun, over
  from absence
 where id::text = %(id)s

-- absences_covered_by --
select id::text, practitioner, starts, ends, cover, why, by, noted, begun, over
  from absence
 where cover = %(cover)s
   and over is null
 order by starts, id

-- overlapping_absences --
select id::text, practitioner, starts, ends, cover, why, by, noted, begun, over
  from absence
 where practitioner = any(%(practitioners)s)
   and over is null
   and starts < %(ends)s
   and ends > %(starts)s
 order by starts, id

-- absences_to_begin --
select id::text, practitioner, starts, ends, cover, why, by, noted, begun, over
  from absence
 where begun is null
   and over is null
   and starts <= %(now)s
 order by starts, id

-- absences_to_end --
select id::text, practitioner, starts, ends, cover, why, by, noted, begun, over
  from absence
 where begun is not null
   and over is null
   and ends <= %(now)s
 order by ends, id

-- begin_absence --
update absence
   set begun = %(at)s
 where id = %(id)s
   and begun is null

-- end_absence --
update absence
   set over = %(at)s, begun = coalesce(begun, %(at)s)
 where id = %(id)s
   and over is null

-- call_off_absence --
update absence
   set over = least(%(at)s, starts), begun = null
 where id = %(id)s
   and over is null
   and begun is null

-- save_competency --
insert into competency (practitioner, kind, issued, valid_through, by, noted)
values (%(practitioner)s, %(kind)s, %(issued)s, %(valid_through)s, %(by)s, %(noted)s)
on conflict (tenant_id, practitioner, kind, issued) do update
   set valid_through = excluded.valid_through, by = excluded.by, noted = excluded.noted

-- competencies --
-- The latest date through which each of these people has each kind.
select practitioner, kind, max(valid_through) as valid_through
  from competency
 where practitioner = any(%(practitioners)s)
 group by practitioner, kind

-- competency_kinds --
-- Kinds that the practice records at all.
with recursive kinds as (
    (select kind from competency order by kind limit 1)
     union all
    select (select c.kind from competency as c where c.kind > k.kind order by c.kind limit 1)
      from kinds as k
     where k.kind is not null)
select kind from kinds where kind is not null

-- remove_members --
-- Of these teams; whoever was in them is in the answer.
delete from membership
 where team_id = any(%(teams)s)
returning patient_id, team_id, practitioner, role, ends

-- add_members --
insert into membership (patient_id, team_id, practitioner, role, ends)
select patient_id, team_id, practitioner, role, ends
  from json_populate_recordset(null::membership, %(rows)s::json)
on conflict do nothing

-- members --
select patient_id, team_id, practitioner, role, ends
  from membership
 where patient_id = any(%(patients)s)
 order by patient_id, team_id, role, practitioner

-- memberships_over --
select patient_id, team_id, practitioner, role, ends
  from membership
 where ends <= %(now)s
 order by ends, patient_id
 limit %(most)s

-- drop_members_over --
delete from membership
 where ends <= %(now)s
   and patient_id = any(%(patients)s)

-- patients_of_member --
-- Patients in whose team this person is.
select distinct team_id, patient_id
  from membership
 where practitioner = %(practitioner)s
 order by patient_id, team_id

-- leads --
select patient_id, lead, led_from, led_until, by, why
  from lead
 where patient_id = any(%(patients)s)
   and led_until is null

-- lead_history --
select patient_id, lead, led_from, led_until, by, why
  from lead
 where patient_id = %(patient_id)s
 order by led_from desc

-- lead_at --
select patient_id, lead, led_from, led_until, by, why
  from lead
 where patient_id = %(patient_id)s
   and led_from <= %(at)s
   and (led_until is null or led_until > %(at)s)

-- first_leads --
-- Only where nobody leads yet.
insert into lead (patient_id, lead, led_from, by, why)
select f.patient_id, f.lead, f.led_from, f.by, f.why
  from json_populate_recordset(null::lead, %(rows)s::json) as f
 where not exists (select from lead as l where l.patient_id = f.patient_id)
on conflict do nothing

-- end_lead --
update lead
   set led_until = greatest(%(at)s, led_from + interval '1 microsecond')
 where patient_id = %(patient_id)s
   and led_until is null

-- join_lead --
-- The lead of the prior patient ends; the survivor is led by whoever leads there, else by the prior's lead.
with ended as (
    update lead
       set led_until = greatest(%(at)s, led_from + interval '1 microsecond'), joined_to = %(survivor)s
     where patient_id = %(prior)s
       and led_until is null
 returning tenant_id, lead)
insert into lead (patient_id, lead, led_from, by, why)
select %(survivor)s, e.lead, %(at)s, %(by)s, %(why)s
  from ended as e
 where not exists (select from lead as l where l.tenant_id = e.tenant_id and l.patient_id = %(survivor)s)
on conflict do nothing

-- part_lead --
-- Who is parted again has been led, since they were joined, by whoever led the survivor.
insert into lead (patient_id, lead, led_from, previous_until, by, why)
select p.patient_id, s.lead, p.led_until, p.led_until, %(by)s, %(why)s
  from lead as p
  join lead as s on s.tenant_id = p.tenant_id and s.patient_id = %(survivor)s and s.led_until is null
 where p.patient_id = %(prior)s
   and p.joined_to is not null
   and not exists (select from lead as l
                    where l.tenant_id = p.tenant_id and l.patient_id = p.patient_id and l.previous_until = p.led_until)

-- begin_lead --
insert into lead (patient_id, lead, led_from, previous_until, by, why)
select %(patient_id)s, %(lead)s, coalesce(last.until, %(at)s), last.until, %(by)s, %(why)s
  from (select max(led_until) as until from lead where patient_id = %(patient_id)s) as last

-- led_by --
select patient_id
  from lead
 where lead = %(lead)s
   and led_until is null
 order by patient_id

-- count_led --
select lead, count(*) as patients
  from lead
 where led_until is null
 group by lead

-- add_offer --
insert into lead_offer (id, patient_id, giver, taker, role, rule, why, by, offered, assignable)
values (%(id)s, %(patient_id)s, %(giver)s, %(taker)s, %(role)s, %(rule)s, %(why)s, %(by)s, %(offered)s, %(assignable)s)

-- open_offer --
select id::text, patient_id, giver, taker, role, rule, why, by, offered, assignable
  from lead_offer
 where patient_id = %(patient_id)s
   and answered is null

-- open_offers --
-- All that wait, the oldest first.
select id::text, patient_id, giver, taker, role, rule, why, by, offered, assignable
  from lead_offer
 where answered is null
 order by offered, id
 limit %(most)s

-- answer_offer --
update lead_offer
   set answered = %(at)s, answer = %(answer)s, answer_why = %(why)s, answered_by = %(by)s
 where id = %(id)s
   and answered is null

-- known_facts --
select patient_id, facts
  from responsibility
 where patient_id = any(%(patients)s)

-- save_facts --
insert into responsibility (patient_id, facts, at)
values (%(patient_id)s, %(facts)s::jsonb, %(at)s)
on conflict (tenant_id, patient_id) do update
   set facts = excluded.facts, at = excluded.at

-- change_cover --
update absence
   set cover = %(to)s
 where cover = %(from)s
   and over is null
   and practitioner is distinct from %(to)s

-- drop_cover --
update absence
   set cover = null
 where cover = %(from)s
   and over is null

-- end_absences_of --
update absence
   set over = case when begun is null then least(%(at)s, starts) else %(at)s end
 where practitioner = %(practitioner)s
   and over is null

-- withdraw_offers_about --
update lead_offer
   set answered = %(at)s, answer = 'withdrawn', answer_why = %(why)s, answered_by = %(by)s
 where answered is null
   and patient_id = %(patient_id)s

-- withdraw_offers --
update lead_offer
   set answered = %(at)s, answer = 'withdrawn', answer_why = %(why)s, answered_by = %(by)s
 where answered is null
   and (taker = %(who)s or giver = %(who)s)

-- pass_contradictions --
update contradiction as c
   set owner = given.owner
  from json_to_recordset(%(rows)s::json) as given (id text, owner text)
 where c.id = given.id
   and c.state = 'open'

-- looks --
-- Some patients to look at, taken from the list.
with taken as materialized (
    select patient_id
      from responsibility_look
     order by patient_id
     limit %(most)s
       for update skip locked
)
delete from responsibility_look as l
 using taken
 where l.patient_id = taken.patient_id
returning l.patient_id

-- add_hand_over --
insert into hand_over (id, giver, taker, note, made, since)
values (%(id)s, %(giver)s, %(taker)s, %(note)s, %(made)s, %(since)s)

-- add_items --
insert into hand_over_item (hand_over_id, loop_id, offer_id, position, told)
select hand_over_id, loop_id, offer_id, position, told
  from json_populate_recordset(null::hand_over_item, %(rows)s::json)

-- last_hand_over --
select max(made) as made
  from hand_over
 where giver = %(giver)s
   and taker = %(taker)s

-- hand_overs_of --
-- Hand-overs to or from somebody with an item that waits, or made since then; the last first, each with its items.
select h.id::text, h.giver, h.taker, h.note, h.made, h.since,
       (select coalesce(jsonb_agg(jsonb_build_object('loop_id', i.loop_id, 'told', i.told, 'answer', o.answer,
                   'answer_why', o.answer_why) order by i.position), '[]')
          from hand_over_item as i
          join ownership_offer as o on o.tenant_id = i.tenant_id and o.id = i.offer_id
         where i.tenant_id = h.tenant_id
           and i.hand_over_id = h.id) as items
  from hand_over as h
 where (h.taker = %(who)s or h.giver = %(who)s)
   and (h.made >= %(since)s
        or exists (select from hand_over_item as i
                     join ownership_offer as o on o.tenant_id = i.tenant_id and o.id = i.offer_id
                    where i.tenant_id = h.tenant_id and i.hand_over_id = h.id and o.answered is null))
 order by h.made desc
 limit 20

-- add_digest --
insert into digest (day, made, lines)
values (%(day)s, %(made)s, %(lines)s::jsonb)
on conflict do nothing

-- digest --
select day, made, lines
  from digest
 where day <= %(day)s
 order by day desc
 limit 1

-- digest_days --
select day
  from digest
 order by day desc
 limit 30

-- competencies_ending --
-- The latest of each kind of each person, where it ends before then.
select practitioner, kind, max(valid_through) as valid_through
  from competency
 group by practitioner, kind
having max(valid_through) < %(before)s
 order by max(valid_through), practitioner
