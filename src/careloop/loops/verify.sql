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

-- completed_without_proof --
-- 3. A completed step has evidence, or the coded reason of a person's word.
select s.loop_id::text, s.step_id
  from loop_step as s
 where s.status = 'completed'
   and cardinality(s.evidence) = 0
   and s.closure_reason is null

-- closed_with_open_steps --
-- 3. A loop that is closed has no open step; one that is open has not all of them closed.
select l.id::text as loop_id, s.step_id
  from loop as l
  join loop_step as s on s.tenant_id = l.tenant_id and s.loop_id = l.id
 where l.status not in ('requested', 'accepted', 'in-progress', 'on-hold')
   and s.status in ('requested', 'accepted', 'in-progress', 'on-hold')

-- evidence --
-- 3. The evidence of completed steps, to be looked up in the record.
select s.loop_id::text, s.step_id, e.reference
  from loop_step as s
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
-- 4. Rows say what the derived state says.
select l.id::text as loop_id, '' as step_id
  from loop as l
 where l.status <> l.state ->> 'status'
    or l.patient_id <> l.state ->> 'patient_id'
    or l.version <> l.state ->> 'version'
    or (select count(*) from loop_step as s
         where s.tenant_id = l.tenant_id and s.loop_id = l.id) <> jsonb_array_length(l.state -> 'steps')

-- unexplained --
-- 7. Each loop says why it opened, and each Task of it has its Provenance.
select l.id::text as loop_id, '' as step_id
  from loop as l
 where jsonb_array_length(l.state -> 'explanations') = 0
    or cardinality(l.history) = 0

-- loop_tasks --
-- The Tasks that loops and steps stand for, with the version and owner they must have.
select t.loop_id::text, t.step_id, t.task_id::text, t.task_version, t.status, t.owner
  from (select id as loop_id, '' as step_id, id as task_id, task_version, status, owner
          from loop
         union all
        select loop_id, step_id, task_id, task_version, status, owner
          from loop_step) as t
 where (t.task_id) > (%(after)s::uuid)
 order by t.task_id
 limit 2000
