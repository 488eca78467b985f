-- copy_loops --
-- Each loop that was opened by the real path once more for another patient; the same owner, clocks and state.
insert into loop (id, pathway, version, patient_id, focus, matter, status, clock, owner, opened, closed, closure_reason,
                  closure_by, closure_note, deadline, next_step, next_due, next_outside, tier, safety, lasting_points, board,
                  watch_until, as_of, wake_at, task_version, history, state)
select md5(l.id::text || %(copy)s::int)::uuid, l.pathway, l.version,
       'bench-' || (substring(l.patient_id from 7)::int + %(copy)s::int * %(opened)s::int), l.focus || '-' || %(copy)s::int, l.matter, l.status,
       l.clock, l.owner, l.opened, l.closed, l.closure_reason, l.closure_by, l.closure_note, l.deadline, l.next_step, l.next_due,
       l.next_outside, l.tier, l.safety, l.lasting_points, l.board, l.watch_until, l.as_of, l.wake_at, l.task_version, l.history,
       l.state
  from loop as l
 where substring(l.patient_id from 7)::int < %(opened)s

-- copy_steps --
insert into loop_step (loop_id, step_id, task_id, position, status, clock, owner, owner_role, due, says, outside, ended,
                       closure_reason, evidence, task_version, history)
select md5(s.loop_id::text || %(copy)s::int)::uuid, s.step_id, md5(s.task_id::text || %(copy)s)::uuid, s.position, s.status, s.clock,
       s.owner, s.owner_role, s.due, s.says, s.outside, s.ended, s.closure_reason, s.evidence, s.task_version, s.history
  from loop_step as s
  join loop as l on l.tenant_id = s.tenant_id and l.id = s.loop_id
 where substring(l.patient_id from 7)::int < %(opened)s

-- count_open --
select count(*) as total
  from loop as l
 where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')

-- take_statistics --
-- What autovacuum does within seconds after a load, done at once, so that the figures are those of a settled database.
analyze
