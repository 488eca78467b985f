-- keep_review --
insert into care_plan_review (plan_id, patient_id, due)
values (%(plan)s, %(patient)s, %(due)s)
on conflict (tenant_id, plan_id) do update
   set due = excluded.due, patient_id = excluded.patient_id,
       told = care_plan_review.told and care_plan_review.due is not distinct from excluded.due

-- reviews_due --
select plan_id, patient_id
  from care_plan_review
 where due < %(today)s
   and not told
 order by due, plan_id
 limit %(limit)s

-- note_told --
update care_plan_review
   set told = true
 where plan_id = %(plan)s
