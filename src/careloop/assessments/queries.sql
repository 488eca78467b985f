-- note_due --
insert into assessment_due (patient_id, instrument, last_at, due, rule, says)
values (%(patient_id)s, %(instrument)s, %(last_at)s, %(due)s, %(rule)s, %(says)s)
on conflict (tenant_id, patient_id, instrument) do update
   set last_at = excluded.last_at, due = excluded.due, rule = excluded.rule, says = excluded.says, asked = null
 where assessment_due.last_at < excluded.last_at

-- forget_due --
delete from assessment_due
 where patient_id = %(patient_id)s
   and instrument = %(instrument)s
   and last_at <= %(last_at)s

-- take_due --
select patient_id, instrument, last_at, due, rule, says
  from assessment_due
 where asked is null
   and due <= %(now)s
 order by due, patient_id, instrument
 limit %(most)s
   for update skip locked

-- mark_asked --
update assessment_due
   set asked = %(asked)s
 where patient_id = %(patient_id)s
   and instrument = %(instrument)s

-- due_of --
select patient_id, instrument, last_at, due, rule, says
  from assessment_due
 where patient_id = %(patient_id)s
 order by due, instrument

-- add_share --
insert into assessment_share (link_id, response_id, who, sections)
values (%(link_id)s, %(response_id)s, %(who)s, %(sections)s)

-- share_of --
select link_id::text, response_id, who, sections
  from assessment_share
 where link_id = %(link_id)s

-- shares_of_response --
select link_id::text, response_id, who, sections
  from assessment_share
 where response_id = %(response_id)s
