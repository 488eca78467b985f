-- of_patients --
-- Every contradiction of some patients, whatever became of it, locked.
select id, patient_id, rule, matter, severity, owner, state, fingerprint, sides, opened, due, ended, decision, decided_by,
       why
  from contradiction
 where patient_id = any (%(patients)s::text[])
 order by id
   for update

-- open_of_patient --
select id, patient_id, rule, matter, severity, owner, state, fingerprint, sides, opened, due, ended, decision, decided_by,
       why
  from contradiction
 where patient_id = %(patient_id)s
   and state <> 'withdrawn'
 order by state, due, id

-- open_first --
-- The ones that wait, the first due first.
select id, patient_id, rule, matter, severity, owner, state, fingerprint, sides, opened, due, ended, decision, decided_by,
       why
  from contradiction
 where state = 'open'
   and (%(owner)s::text is null or owner = %(owner)s)
 order by due, id
 limit %(limit)s

-- count_open --
select count(*)
  from contradiction
 where state = 'open'
   and (%(owner)s::text is null or owner = %(owner)s)

-- of_ids --
select id, patient_id, rule, matter, severity, owner, state, fingerprint, sides, opened, due, ended, decision, decided_by,
       why
  from contradiction
 where id = any (%(ids)s::text[])
   for update

-- put --
-- One contradiction as it is now.
insert into contradiction (id, patient_id, rule, matter, severity, owner, state, fingerprint, sides, refs, opened, due,
       ended, decision, decided_by, why)
values (%(id)s, %(patient_id)s, %(rule)s, %(matter)s, %(severity)s, %(owner)s, %(state)s, %(fingerprint)s,
       %(sides)s::jsonb, %(refs)s::text[], %(opened)s, %(due)s, %(ended)s, %(decision)s, %(decided_by)s, %(why)s)
on conflict (tenant_id, id) do update
   set state = excluded.state, fingerprint = excluded.fingerprint, sides = excluded.sides, refs = excluded.refs,
       owner = excluded.owner, severity = excluded.severity, opened = excluded.opened, due = excluded.due,
       ended = excluded.ended, decision = excluded.decision, decided_by = excluded.decided_by, why = excluded.why

-- changed --
-- The next entries of a window of the feed, of some types.
select seq, type, id, patient_id
  from change_feed
 where seq > %(after)s
   and seq <= %(through)s
   and type = any(%(types)s::text[])
 order by seq
 limit %(limit)s

-- holders --
-- Patients with an open contradiction that names one of these facts: it may have moved to somebody else.
select distinct patient_id
  from contradiction
 where state = 'open'
   and refs && %(refs)s::text[]

-- patient_versions --
-- The superseded versions of some Patients that were said again, the newest hundred of each, oldest first.
select current.id, old.version, old.last_updated, old.body
  from resource as current
 cross join lateral (
       select version, last_updated, body
         from resource_history
        where resource_history.tenant_id = current.tenant_id
          and resource_history.key = current.key
          and not resource_history.deleted
        order by version desc
        limit 100) as old
 where current.type = 'Patient'
   and current.id = any (%(patients)s::text[])
 order by current.id, old.version

-- note_look --
-- Somebody looks at a chart now. Gives the look before it; closer than `same` apart it is still the same look.
insert into chart_look as kept (who, patient_id, since, looked)
values (%(who)s, %(patient_id)s, null, %(now)s)
on conflict (tenant_id, who, patient_id) do update
   set since = case when excluded.looked - kept.looked > %(same)s then kept.looked else kept.since end,
       looked = greatest(kept.looked, excluded.looked)
returning since
