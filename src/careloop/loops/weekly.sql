-- closed_between --
-- Loops of these patients that closed in a span, with the proof that was last.
select l.id::text as loop_id, l.number, l.pathway, l.patient_id, l.status, l.closed, l.closure_reason, l.closure_note
  from loop as l
 where l.patient_id = any(%(patients)s)
   and l.closed >= %(since)s
   and l.closed <= %(until)s
   and l.status in ('completed', 'cancelled', 'failed')
   and l.closure_reason is distinct from 'entered-in-error'
 order by l.closed desc, l.id

-- late_steps --
-- Open steps of this owner whose time has passed.
select l.id::text as loop_id, l.number, l.pathway, l.patient_id, s.step_id, s.says, s.due
  from loop_step as s
  join loop as l on l.tenant_id = s.tenant_id and l.id = s.loop_id
 where s.owner = %(owner)s
   and s.is_open
   and s.due < %(now)s
   and l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
 order by s.due, l.id, s.step_id
 limit %(most)s

-- open_counts --
-- Open loops of these patients, and those of them that are late.
select count(*) as total, count(*) filter (where l.next_due < %(now)s) as late
  from loop as l
 where l.patient_id = any(%(patients)s)
   and l.status in ('requested', 'accepted', 'in-progress', 'on-hold')

-- done_steps --
-- Steps that were completed in a span: the role that they ask for, who owned them, and their last proof.
select l.pathway, s.step_id, s.owner_role, s.owner, s.evidence[cardinality(s.evidence)] as proof
  from loop_step as s
  join loop as l on l.tenant_id = s.tenant_id and l.id = s.loop_id
 where s.status = 'completed'
   and s.ended >= %(since)s
   and s.ended <= %(until)s
 order by s.ended desc, l.id, s.step_id
 limit %(most)s
