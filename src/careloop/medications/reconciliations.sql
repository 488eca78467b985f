-- open_one --
select id, patient_id, matter, opened, opened_by, kept, decisions, judged, revision, saved, saved_by, finished,
       finished_by, withdrawn
  from reconciliation
 where patient_id = %(patient_id)s
   and finished is null
   for update

-- find --
select id, patient_id, matter, opened, opened_by, kept, decisions, judged, revision, saved, saved_by, finished,
       finished_by, withdrawn
  from reconciliation
 where id = %(id)s

-- of_patient --
select id, patient_id, matter, opened, opened_by, kept, decisions, judged, revision, saved, saved_by, finished,
       finished_by, withdrawn
  from reconciliation
 where patient_id = %(patient_id)s
 order by opened desc
 limit 50

-- begin --
insert into reconciliation (id, patient_id, matter, opened, opened_by, saved, saved_by)
values (%(id)s, %(patient_id)s, %(matter)s, %(now)s, %(by)s, %(now)s, %(by)s)
on conflict do nothing

-- save --
update reconciliation
   set kept = %(kept)s, decisions = %(decisions)s::jsonb, judged = %(judged)s::jsonb, revision = revision + 1,
       matter = coalesce(%(matter)s, matter), saved = %(now)s, saved_by = %(by)s
 where id = %(id)s
   and finished is null
returning revision

-- finish --
update reconciliation
   set finished = %(now)s, finished_by = %(by)s
 where id = %(id)s
   and finished is null
returning id

-- withdraw --
update reconciliation
   set withdrawn = %(now)s
 where id = %(id)s
   and finished is not null
   and withdrawn is null
returning id

-- put_hold --
insert into medicine_hold (statement, patient_id, reconciliation, name, until, condition)
values (%(statement)s, %(patient_id)s, %(reconciliation)s, %(name)s, %(until)s, %(condition)s)
on conflict (tenant_id, statement) do update
   set reconciliation = excluded.reconciliation, name = excluded.name, until = excluded.until,
       condition = excluded.condition, asked = null, over = null

-- end_holds --
update medicine_hold
   set over = %(now)s
 where patient_id = %(patient_id)s
   and over is null
   and not statement = any(%(but)s::text[])

-- end_hold --
update medicine_hold
   set over = %(now)s
 where statement = %(statement)s
   and over is null

-- end_holds_of --
update medicine_hold
   set over = %(now)s
 where reconciliation = %(reconciliation)s
   and over is null

-- holds_due --
-- Holds that ended before this day and that nobody was asked about.
select statement, patient_id, reconciliation, name, until, condition
  from medicine_hold
 where asked is null
   and over is null
   and until < %(today)s
 order by until, statement
 limit 200
   for update skip locked

-- holds_of --
select statement, patient_id, reconciliation, name, until, condition
  from medicine_hold
 where patient_id = %(patient_id)s
   and over is null
 order by until nulls last, statement

-- asked --
update medicine_hold
   set asked = %(now)s
 where statement = %(statement)s
