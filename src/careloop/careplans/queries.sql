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

-- others_changed --
-- Plans whose patient has other plans or goals, or other versions of them, than they were held against last.
select review.plan_id, review.patient_id, now_.seen
  from care_plan_review as review
 cross join lateral (select count(*) || ' ' || coalesce(sum(held.version), 0) as seen
                       from resource as held
                      where held.patient_id = review.patient_id
                        and held.type in ('CarePlan', 'Goal')) as now_
 where review.seen <> now_.seen
 order by review.plan_id
 limit %(limit)s

-- note_seen --
update care_plan_review
   set seen = %(seen)s
 where plan_id = %(plan)s
