-- by_version --
-- What became of the loops of each pathway and version: open ones as they stand, closed ones since a moment.
select l.pathway, l.version,
       count(*) filter (where l.is_open) as open,
       count(*) filter (where l.is_open and l.clock = 'overdue') as late,
       count(*) filter (where l.closed >= %(since)s and l.status = 'completed') as proven,
       count(*) filter (where l.closed >= %(since)s and l.status = 'completed' and not exists (
           select from loop_step as s
            where s.tenant_id = l.tenant_id
              and s.loop_id = l.id
              and s.status = 'completed'
              and s.ended > s.due)) as in_time,
       count(*) filter (where l.closed >= %(since)s and l.status <> 'completed') as without
  from loop as l
 where l.is_open
    or l.closed >= %(since)s
 group by l.pathway, l.version

-- open_patients --
-- Patients who have an open loop of a pathway.
select distinct l.patient_id
  from loop as l
 where l.pathway = %(pathway)s
   and l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
 order by 1

-- open_states --
-- Open loops with their states, a set after another by id.
select l.id::text, l.owner, l.safety, l.state::text as state, l.turned::text as turned
  from loop as l
 where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
   and l.id > %(after)s::uuid
 order by l.id
 limit %(limit)s

-- skips --
-- Steps that a person skipped since a moment, each by its last word: what became of the step and of its loop since.
select a.loop_id::text, a.step_id, a.at, a.by, a.data ->> 'reason' as reason, a.data ->> 'note' as note,
       l.pathway, l.number, l.patient_id, l.focus, l.closed, l.closure_reason, s.status as step_status,
       exists (select from loop_act as u
                where u.tenant_id = a.tenant_id
                  and (u.undoes = a.id
                       or (u.loop_id = a.loop_id and u.step_id = a.step_id and u.kind = 'restore' and u.at >= a.at))) as reopened
  from loop_act as a
  join loop as l on l.tenant_id = a.tenant_id and l.id = a.loop_id
  left join loop_step as s on s.tenant_id = a.tenant_id and s.loop_id = a.loop_id and s.step_id = a.step_id
 where a.kind = 'cancel'
   and a.step_id is not null
   and a.at >= %(since)s
 order by a.at desc, a.id
 limit %(limit)s

-- done_steps --
-- Steps that were done by proof since a moment, with the matter they were about: what skipped ones are held against.
select l.pathway, s.step_id, l.patient_id, l.focus, s.ended
  from loop_step as s
  join loop as l on l.tenant_id = s.tenant_id and l.id = s.loop_id
 where s.status = 'completed'
   and s.ended >= %(since)s
   and l.pathway || ' ' || s.step_id = any(%(places)s)
 order by s.ended desc
 limit %(limit)s

-- adaptations --
-- Clocks that people changed and steps that they added for one patient since a moment, and how each came out.
select a.kind, l.pathway, coalesce(a.step_id, a.data ->> 'step') as step_id, a.data ->> 'title' as title,
       a.data ->> 'reason' as reason, s.status = 'completed' as done,
       s.status = 'completed' and s.ended <= s.due as in_time
  from loop_act as a
  join loop as l on l.tenant_id = a.tenant_id and l.id = a.loop_id
  left join loop_step as s on s.tenant_id = a.tenant_id
                          and s.loop_id = a.loop_id
                          and s.step_id = coalesce(a.step_id, a.data ->> 'step')
 where a.kind in ('deadline', 'extra')
   and a.at >= %(since)s
   and not exists (select from loop_act as u where u.tenant_id = a.tenant_id and u.undoes = a.id)
 order by a.at desc, a.id
 limit %(limit)s
