-- outlooks --
select wanted.loop_id::text, wanted.step_id, l.number, l.pathway, l.focus, l.owner, l.patient_id, l.status as loop_status,
       l.closed, l.deadline, l.closure_reason, s.status as step_status, s.due as step_due, s.ended as step_ended,
       s.closure_reason as step_closure, s.owner as step_owner, s.evidence <> '{}' as step_proof
  from unnest(%(loops)s::uuid[], %(steps)s::text[]) as wanted (loop_id, step_id)
  join loop as l on l.id = wanted.loop_id
  left join loop_step as s on s.loop_id = l.id and s.step_id = wanted.step_id
