-- open_without_owner --
-- 1. Every open loop and step has an owner in the chain, and it is the one that the list shows.
select l.id::text as loop_id, '' as step_id
  from loop as l
  left join ownership as o on o.tenant_id = l.tenant_id and o.loop_id = l.id and o.step_id = ''
                          and o.owned_until is null
 where o.owner is distinct from l.owner
 union all
select s.loop_id::text, s.step_id
  from loop_step as s
  left join ownership as o on o.tenant_id = s.tenant_id and o.loop_id = s.loop_id and o.step_id = s.step_id
                          and o.owned_until is null
 where o.owner is distinct from s.owner

-- broken_ownership --
-- 1. One owner at every moment: each row begins where the one before it ended.
select o.loop_id::text, o.step_id
  from (select loop_id, step_id, owned_from,
               lag(owned_until) over (partition by loop_id, step_id order by owned_from) as ended,
               row_number() over (partition by loop_id, step_id order by owned_from) as place
          from ownership) as o
 where (o.place = 1 and o.ended is not null)
    or (o.place > 1 and o.ended is distinct from o.owned_from)

-- owner_who_left --
-- 1. Open work belongs to the queue or to somebody whose account is active.
select w.loop_id::text, w.step_id
  from (select id as loop_id, '' as step_id, owner, status from loop
         union all
        select loop_id, step_id, owner, status from loop_step) as w
 where w.status in ('requested', 'accepted', 'in-progress', 'on-hold')
   and w.owner <> %(queue)s
   and w.owner <> all(%(staff)s)

-- offer_of_another --
-- 1. A hand-over is an offer: whoever offers an open loop still holds some of it, and it is offered to somebody who is
-- here.
select o.loop_id::text, '' as step_id
  from ownership_offer as o
  join loop as l on l.tenant_id = o.tenant_id and l.id = o.loop_id
 where o.answered is null
   and l.is_open
   and (o.taker <> all(%(staff)s)
        or (l.owner <> o.giver
            and not exists (select from loop_step as s
                             where s.tenant_id = l.tenant_id
                               and s.loop_id = l.id
                               and s.is_open
                               and s.owner = o.giver)))

-- called_who_left --
-- 1. An escalation that stands calls somebody who is here.
select e.loop_id::text, e.step_id
  from escalation as e
 where e.stands
   and e.to_owner <> %(queue)s
   and e.to_owner <> all(%(staff)s)

-- open_without_clock --
-- 2. An open loop has open work with a deadline; what is on hold says why, who and until when.
select l.id::text as loop_id, '' as step_id
  from loop as l
 where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
   and (l.next_due is null or l.deadline is null or l.wake_at is null
        or not exists (select from loop_step as s
                        where s.tenant_id = l.tenant_id
                          and s.loop_id = l.id
                          and s.status in ('requested', 'accepted', 'in-progress', 'on-hold')))
 union all
select s.loop_id::text, s.step_id
  from loop_step as s
 where s.status = 'on-hold'
   and (s.hold_reason is null or s.hold_by is null or s.hold_until is null)

-- overslept --
-- 2. No clock was forgotten: what had to be looked at an hour ago was looked at.
select l.id::text as loop_id, '' as step_id
  from loop as l
 where l.wake_at < %(now)s - interval '1 hour'

-- clock_differs --
-- 2. What a sweep looks for says of each loop when it wakes, and of no other.
select coalesce(l.id, c.loop_id)::text as loop_id, '' as step_id
  from (select tenant_id, id, patient_id, wake_at from loop where wake_at < '9999-12-31') as l
  full join loop_clock as c on c.tenant_id = l.tenant_id and c.loop_id = l.id
 where c.wake_at is distinct from l.wake_at
    or c.patient_id is distinct from l.patient_id

-- completed_without_proof --
-- 3. A completed step has evidence, or the coded reason of a person's word.
select s.loop_id::text, s.step_id
  from loop_step as s
 where s.status = 'completed'
   and cardinality(s.evidence) = 0
   and s.closure_reason is null

-- word_without_sentence --
-- 3, 8. What is completed without evidence was completed by a person, with a coded reason and a sentence: no rule says
-- that something was done.
select l.id::text as loop_id, s.step ->> 'step_id' as step_id
  from loop as l
 cross join lateral jsonb_array_elements(l.state -> 'steps') as s (step)
 where s.step ->> 'status' = 'completed'
   and coalesce(jsonb_array_length(s.step -> 'evidence'), 0) = 0
   and not coalesce(s.step #>> '{closure,by}' <> '' and s.step #>> '{closure,note}' <> ''
                    and s.step #>> '{closure,reason}' <> '', false)

-- closed_with_open_steps --
-- 3. A loop that is closed has no open step; one that is open has not all of them closed.
select l.id::text as loop_id, s.step_id
  from loop as l
  join loop_step as s on s.tenant_id = l.tenant_id and s.loop_id = l.id
 where l.status not in ('requested', 'accepted', 'in-progress', 'on-hold')
   and s.status in ('requested', 'accepted', 'in-progress', 'on-hold')

-- evidence --
-- 3. The evidence of completed steps, to be looked up in the record.
select s.loop_id::text, s.step_id, e.reference, l.patient_id
  from loop_step as s
  join loop as l on l.tenant_id = s.tenant_id and l.id = s.loop_id
 cross join lateral unnest(s.evidence) as e (reference)
 where s.status = 'completed'
   and (s.loop_id, s.step_id, e.reference) > (%(loop_id)s::uuid, %(step_id)s, %(reference)s)
 order by s.loop_id, s.step_id, e.reference
 limit 5000

-- doubled_matters --
-- 5. One open loop for each matter.
select min(l.id::text) as loop_id, '' as step_id
  from loop as l
 where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
 group by l.pathway, l.focus
having count(*) > 1

-- state_differs --
-- 4. Rows say what the derived state says, of the loop and of each step.
select l.id::text as loop_id, '' as step_id
  from loop as l
 where l.status <> l.state ->> 'status'
    or l.clock <> coalesce(l.turned ->> 'clock', l.state ->> 'clock')
    or l.pathway <> l.state ->> 'pathway'
    or l.focus <> l.state ->> 'focus'
    or l.patient_id <> l.state ->> 'patient_id'
    or l.version <> l.state ->> 'version'
    or l.deadline <> (l.state ->> 'deadline')::timestamptz
    or (select count(*) from loop_step as s
         where s.tenant_id = l.tenant_id and s.loop_id = l.id) <> jsonb_array_length(l.state -> 'steps')
 union all
select s.loop_id::text, s.step_id
  from loop as l
 cross join lateral jsonb_array_elements(l.state -> 'steps') as d (step)
  left join loop_step as s on s.tenant_id = l.tenant_id and s.loop_id = l.id and s.step_id = d.step ->> 'step_id'
 where s.status is distinct from d.step ->> 'status'
    or s.clock is distinct from coalesce(l.turned #>> array['steps', s.step_id, 'clock'], d.step ->> 'clock')
    or s.due is distinct from (d.step ->> 'due')::timestamptz
    or cardinality(s.evidence) <> coalesce(jsonb_array_length(d.step -> 'evidence'), 0)

-- next_differs --
-- 4. What lists go by says of each open loop and its place which step is next, whose it is and whether it waits; and of
-- each step whether it stands aside.
select l.id::text as loop_id, '' as step_id
  from loop as l
  left join loop_place as p on p.tenant_id = l.tenant_id and p.loop_id = l.id
  left join lateral (
       select s.step_id, s.owner, (s.clock = 'waiting' or s.status = 'on-hold') as waiting
         from loop_step as s
        where s.tenant_id = l.tenant_id
          and s.loop_id = l.id
          and s.is_open
        order by waiting, s.due, s.position
        limit 1) as n on true
 where l.is_open
   and ((l.next_step, l.next_owner, l.next_waiting) is distinct from (n.step_id, n.owner, coalesce(n.waiting, false))
        or (p.step_id, p.next_owner, p.waiting) is distinct from (l.next_step, l.next_owner, l.next_waiting))
 union all
select s.loop_id::text, s.step_id
  from loop_step as s
  join loop as l on l.tenant_id = s.tenant_id and l.id = s.loop_id
 where s.aside <> (s.is_open and s.owner is distinct from l.next_owner)

-- unexplained --
-- 7. Each loop says why it opened, each deadline how it was reckoned, each version of a Task has its Provenance, each
-- owner says who gave it to them and why.
select l.id::text as loop_id, '' as step_id
  from loop as l
 where jsonb_array_length(l.state -> 'explanations') = 0
    or coalesce(l.state ->> 'deadline_because', '') = ''
    or cardinality(l.history) <> l.task_version
 union all
select l.id::text, d.step ->> 'step_id'
  from loop as l
 cross join lateral jsonb_array_elements(l.state -> 'steps') as d (step)
 where coalesce(d.step ->> 'due_because', '') = ''
 union all
select s.loop_id::text, s.step_id
  from loop_step as s
 where cardinality(s.history) <> s.task_version
 union all
select o.loop_id::text, o.step_id
  from ownership as o
 where o.by = '' or o.why = ''

-- histories --
-- 7. The Provenance of each change of loops and steps, to be looked up in the record.
select distinct on (h.reference) h.loop_id::text, h.step_id, h.reference
  from (select id as loop_id, '' as step_id, unnest(history) as reference
          from loop
         union all
        select loop_id, step_id, unnest(history)
          from loop_step) as h
 where h.reference > %(reference)s
 order by h.reference
 limit 5000

-- versions_lived --
-- 6. The versions of pathways under which loops stand.
select distinct on (pathway, version) id::text as loop_id, '' as step_id, pathway, version
  from loop

-- merged_away --
-- 5. No open loop stays behind with a patient who was joined to another: what is written about them later follows within
-- minutes.
select l.id::text as loop_id, '' as step_id
  from loop as l
 where l.is_open
   and l.patient_id = any(%(priors)s)
   and l.as_of < %(now)s - interval '10 minutes'

-- patients --
-- Everybody who has or had a loop that was looked at since then, in their order.
select distinct patient_id
  from loop
 where patient_id > %(after)s
   and (%(since)s::timestamptz is null or as_of >= %(since)s)
 order by patient_id
 limit 200

-- loop_tasks --
-- The Tasks that loops and steps stand for, with the version and owner they must have, and the pathway's version.
select t.loop_id::text, t.step_id, t.task_id::text, t.task_version, t.status, t.owner, t.under
  from (select id as loop_id, '' as step_id, id as task_id, task_version, status, owner,
               pathway || '|' || version as under
          from loop
         where %(since)s::timestamptz is null or as_of >= %(since)s
         union all
        select s.loop_id, s.step_id, s.task_id, s.task_version, s.status, s.owner, ''
          from loop_step as s
          join loop as l on l.tenant_id = s.tenant_id and l.id = s.loop_id
         where %(since)s::timestamptz is null or l.as_of >= %(since)s) as t
 where (t.task_id) > (%(after)s::uuid)
 order by t.task_id
 limit 5000
