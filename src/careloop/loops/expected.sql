-- expected_steps --
-- Open steps that wait for something from outside, the most urgent first.
select l.id::text as loop_id, l.number, l.pathway, l.patient_id, l.focus, l.state ->> 'about' as about,
       s.step_id, s.due, s.owner, s.clock
  from unnest(%(pathways)s::text[], %(steps)s::text[]) as wanted (pathway, step_id)
  join loop as l on l.pathway = wanted.pathway
  join loop_step as s on s.tenant_id = l.tenant_id and s.loop_id = l.id and s.step_id = wanted.step_id
 where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
   and s.status in ('requested', 'accepted', 'in-progress', 'on-hold')
   and s.due <= %(until)s
 order by s.due, l.number, s.step_id
 limit %(limit)s
