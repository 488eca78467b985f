-- minutes_by_owner --
-- Minutes of open work of each of these owners: a step that waits for others costs nothing now.
select s.owner, sum(coalesce((%(minutes)s::jsonb ->> s.step_id)::int, %(other)s)) as minutes, count(*) as steps
  from loop_step as s
 where s.owner = any(%(owners)s)
   and s.status in ('requested', 'accepted', 'in-progress')
   and s.clock <> 'waiting'
 group by s.owner

-- minutes_by_patient --
select l.patient_id, sum(coalesce((%(minutes)s::jsonb ->> s.step_id)::int, %(other)s)) as minutes
  from loop as l
  join loop_step as s on s.tenant_id = l.tenant_id and s.loop_id = l.id
 where l.patient_id = any(%(patients)s)
   and l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
   and s.status in ('requested', 'accepted', 'in-progress')
   and s.clock <> 'waiting'
 group by l.patient_id

-- steps_due --
-- Open steps of some owners that are worked on, the first due first.
select s.owner, s.loop_id::text, s.step_id, s.due, l.patient_id, l.pathway
  from loop_step as s
  join loop as l on l.tenant_id = s.tenant_id and l.id = s.loop_id
 where s.owner = any(%(owners)s)
   and s.status in ('requested', 'accepted', 'in-progress')
   and s.clock <> 'waiting'
   and s.due < %(before)s
 order by s.owner, s.due, s.loop_id, s.step_id

-- work_of --
-- Everything open that this owner holds, with the reason of holding it; step '' is the loop itself.
select work.loop_id::text, work.step_id, work.patient_id, work.owner_role, work.due, work.pathway,
       coalesce(o.why, '') as why
  from (select id as loop_id, '' as step_id, patient_id, 'coordinator' as owner_role, deadline as due, pathway
          from loop
         where owner = %(owner)s
           and status in ('requested', 'accepted', 'in-progress', 'on-hold')
         union all
        select s.loop_id, s.step_id, l.patient_id, s.owner_role, s.due, l.pathway
          from loop_step as s
          join loop as l on l.tenant_id = s.tenant_id and l.id = s.loop_id
         where s.owner = %(owner)s
           and s.status in ('requested', 'accepted', 'in-progress', 'on-hold')) as work
  left join ownership as o on o.loop_id = work.loop_id and o.step_id = work.step_id and o.owned_until is null
 where %(patients)s::text[] is null or work.patient_id = any(%(patients)s)
 order by work.patient_id, work.loop_id, work.step_id

-- held_for --
-- Who of these people holds something open for which of these patients.
select distinct work.patient_id, work.owner
  from (select patient_id, owner, status from loop
         where patient_id = any(%(patients)s)
         union all
        select l.patient_id, s.owner, s.status
          from loop as l
          join loop_step as s on s.tenant_id = l.tenant_id and s.loop_id = l.id
         where l.patient_id = any(%(patients)s)) as work
 where work.status in ('requested', 'accepted', 'in-progress', 'on-hold')
   and work.owner = any(%(owners)s)
 order by work.patient_id, work.owner

-- standing_escalations_to --
select distinct l.patient_id, e.to_role
  from escalation as e
  join loop as l on l.tenant_id = e.tenant_id and l.id = e.loop_id
 where e.to_owner = %(owner)s
   and e.stands
 order by l.patient_id, e.to_role

-- pass_escalations_of --
update escalation as e
   set to_owner = %(to)s
  from loop as l
 where e.to_owner = %(from)s
   and e.stands
   and l.tenant_id = e.tenant_id
   and l.id = e.loop_id
   and l.patient_id = %(patient_id)s
   and e.to_role = %(role)s

-- withdraw_offers --
-- Offers to or from somebody who leaves wait for nobody.
update ownership_offer
   set answered = %(at)s, answer = 'withdrawn', answer_why = %(why)s
 where answered is null
   and (taker = %(who)s or giver = %(who)s)

-- open_offers --
-- Hand-overs that wait for an answer, the oldest first.
select o.id::text, o.loop_id::text, o.giver, o.taker, o.why, o.offered, l.patient_id, l.number, l.pathway, l.next_due
  from ownership_offer as o
  join loop as l on l.tenant_id = o.tenant_id and l.id = o.loop_id
 where o.answered is null
   and l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
 order by o.offered, o.id
 limit %(most)s

-- owned_at --
-- Who owned the loops and steps of a patient at that moment: one row for each that was known then.
select l.id::text as loop_id, l.number, l.pathway, o.step_id, o.owner, o.owned_from, o.owned_until, o.by, o.why
  from loop as l
  join ownership as o on o.tenant_id = l.tenant_id and o.loop_id = l.id
 where l.patient_id = %(patient_id)s
   and o.owned_from <= %(at)s
   and (o.owned_until is null or o.owned_until > %(at)s)
   and (l.closed is null or l.closed > %(at)s or %(closed)s)
 order by l.opened, l.id, o.step_id

-- answer_at --
select o.loop_id::text, o.step_id, o.owner, o.owned_from, o.owned_until, o.by, o.why
  from ownership as o
 where o.loop_id = %(loop_id)s
   and o.step_id = %(step_id)s
   and o.owned_from <= %(at)s
   and (o.owned_until is null or o.owned_until > %(at)s)

-- stuck --
-- Loops that do not move: their next step is late by so much, also while they are on hold. What is offered and not answered is
-- found by open_offers.
select l.id::text as loop_id, l.number, l.pathway, l.patient_id, l.owner, l.next_step, l.next_due, l.clock, l.status,
       l.hold_reason, l.hold_until, l.safety,
       (select count(*) from escalation as e
         where e.tenant_id = l.tenant_id and e.loop_id = l.id and e.stands) as escalations
  from loop as l
 where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
   and l.next_due < %(late_before)s
 order by l.safety desc, l.next_due, l.id
 limit %(most)s

-- stuck_total --
select count(*) as total
  from loop as l
 where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
   and l.next_due < %(late_before)s

-- counts_by_owner --
-- Open loops and late ones of each of these owners that has any.
select l.owner, count(*) as loops, count(*) filter (where l.next_due < %(now)s) as late
  from loop as l
 where l.owner = any(%(owners)s)
   and l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
 group by l.owner

-- pathway_minutes --
-- What an open loop of each pathway holds in work now and all in all: to forecast what one more patient brings.
select l.pathway, count(distinct l.id) as loops, count(distinct l.patient_id) as patients,
       sum(coalesce((%(minutes)s::jsonb ->> s.step_id)::int, %(other)s)) as minutes
  from loop as l
  join loop_step as s on s.tenant_id = l.tenant_id and s.loop_id = l.id
 where l.opened >= %(since)s
 group by l.pathway

-- facts_of_patients --
-- Tier and pathways of the open loops of these patients.
select l.patient_id, bool_or(l.tier = 'high') as high, array_agg(distinct l.pathway) as pathways
  from loop as l
 where l.patient_id = any(%(patients)s)
   and l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
 group by l.patient_id

-- covered_work --
-- Open work whose reason begins so, whoever has it.
select o.loop_id::text, o.step_id, o.owner, l.patient_id
  from ownership as o
  join loop as l on l.tenant_id = o.tenant_id and l.id = o.loop_id
  left join loop_step as s on s.tenant_id = o.tenant_id and s.loop_id = o.loop_id and s.step_id = o.step_id
 where o.owned_until is null
   and o.why like 'covers for %%'
   and o.why like %(begins)s
   and coalesce(s.status, l.status) in ('requested', 'accepted', 'in-progress', 'on-hold')
 order by l.patient_id, o.loop_id, o.step_id

-- still_with --
-- Those of some owners who hold open work.
select distinct owner
  from (select owner from loop
         where owner = any(%(owners)s) and status in ('requested', 'accepted', 'in-progress', 'on-hold')
         union all
        select owner from loop_step
         where owner = any(%(owners)s) and status in ('requested', 'accepted', 'in-progress', 'on-hold')) as work
 order by owner
