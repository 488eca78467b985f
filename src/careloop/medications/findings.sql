-- findings_of --
-- Every finding of some patients, whatever became of it, locked.
select id, patient_id, kind, tier, rules, state, fingerprint, refs, body, fired, ended, decided_by, why, acted
  from medicine_finding
 where patient_id = any (%(patients)s::text[])
 order by id
   for update

-- finding_of_id --
select id, patient_id, kind, tier, rules, state, fingerprint, refs, body, fired, ended, decided_by, why, acted
  from medicine_finding
 where id = %(id)s
   for update

-- standing_of --
-- What stands about one patient, the most urgent first.
select id, patient_id, kind, tier, rules, state, fingerprint, refs, body, fired, ended, decided_by, why, acted
  from medicine_finding
 where patient_id = %(patient_id)s
   and state <> 'resolved'
 order by array_position(array['contraindicated', 'major', 'moderate', 'low'], tier), id

-- put_finding --
insert into medicine_finding (id, patient_id, kind, tier, rules, state, fingerprint, refs, body, fired, ended, decided_by,
       why, acted)
values (%(id)s, %(patient_id)s, %(kind)s, %(tier)s, %(rules)s::text[], %(state)s, %(fingerprint)s, %(refs)s::text[],
       %(body)s::jsonb, %(fired)s, %(ended)s, %(decided_by)s, %(why)s, %(acted)s)
on conflict (tenant_id, id) do update
   set tier = excluded.tier, rules = excluded.rules, state = excluded.state, fingerprint = excluded.fingerprint,
       refs = excluded.refs, body = excluded.body, fired = excluded.fired, ended = excluded.ended,
       decided_by = excluded.decided_by, why = excluded.why, acted = excluded.acted

-- put_checked --
insert into medicine_checked (patient_id, medicines, not_checked, at, look_on)
select given.patient_id, given.medicines, given.not_checked, %(at)s, given.look_on
  from unnest(%(patients)s::text[], %(medicines)s::int[], %(not_checked)s::int[], %(look_on)s::date[])
       as given (patient_id, medicines, not_checked, look_on)
 order by given.patient_id
on conflict (tenant_id, patient_id) do update
   set medicines = excluded.medicines, not_checked = excluded.not_checked, at = excluded.at, look_on = excluded.look_on
 where (medicine_checked.medicines, medicine_checked.not_checked, medicine_checked.look_on)
       is distinct from (excluded.medicines, excluded.not_checked, excluded.look_on)

-- due_looks --
-- Patients whose answer time alone may have changed, the longest waiting first.
select patient_id
  from medicine_checked
 where look_on <= %(today)s
 order by look_on, patient_id
 limit %(limit)s

-- burden --
-- How often each rule fired, was overridden, led to a change, or went away by itself; over the whole practice.
select rule, tier, count(*) as fired, count(*) filter (where state = 'overridden') as overridden,
       count(*) filter (where acted) as acted, count(*) filter (where state = 'open') as open
  from medicine_finding
 cross join lateral unnest(rules) as named (rule)
 where kind = 'finding'
 group by rule, tier
 order by rule, tier

-- checked_in_all --
select coalesce(sum(medicines), 0) as medicines, coalesce(sum(not_checked), 0) as not_checked, count(*) as patients
  from medicine_checked

-- checked_patients --
-- Patients with medicines that were checked, by id.
select patient_id
  from medicine_checked
 where medicines > 0
   and patient_id > %(after)s
 order by patient_id
 limit %(limit)s

-- changed --
-- The next entries of a window of the feed: of medicines always, of what governs them only for those who take any.
select entry.seq, coalesce(case when entry.type = 'Patient' then entry.id end, entry.patient_id) as patient_id
  from change_feed as entry
 where entry.seq > %(after)s
   and entry.seq <= %(through)s
   and (entry.type = any (%(types)s::text[])
        or (entry.type = any (%(governing)s::text[])
            and exists (select
                          from medicine_checked
                         where medicine_checked.patient_id
                               = coalesce(case when entry.type = 'Patient' then entry.id end, entry.patient_id)
                           and medicine_checked.medicines > 0)))
 order by entry.seq
 limit %(limit)s
