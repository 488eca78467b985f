-- changed --
-- The next entries of a window of the feed. `watched`: the patient takes part.
select feed.seq, feed.type, feed.id, feed.patient_id, plan.patient_id is not null as watched
  from change_feed as feed
  left join home_plan as plan
    on plan.patient_id = feed.patient_id
 where feed.seq > %(after)s
   and feed.seq <= %(through)s
 order by feed.seq
 limit %(limit)s

-- plans --
-- Everybody of some patients who takes part, locked: one review of a patient at a time.
select patient_id, episode, status, since, until, plan::text as plan, last_measured, wake_at
  from home_plan
 where patient_id = any (%(patients)s::text[])
 order by patient_id
   for update

-- plan_rows --
-- The same without a lock, for pages.
select patient_id, episode, status, since, until, plan::text as plan, last_measured, wake_at
  from home_plan
 where patient_id = any (%(patients)s::text[])
 order by patient_id

-- put_plan --
insert into home_plan (patient_id, episode, status, since, until, plan, wake_at)
values (%(patient_id)s, %(episode)s, %(status)s, %(since)s, %(until)s, %(plan)s::jsonb, %(wake_at)s)
on conflict (tenant_id, patient_id) do update
   set episode = excluded.episode, status = excluded.status, since = excluded.since, until = excluded.until,
       plan = excluded.plan, wake_at = excluded.wake_at

-- drop_plan --
delete from home_plan
 where patient_id = %(patient_id)s

-- set_wakes --
update home_plan as plan
   set wake_at = given.wake_at,
       last_measured = coalesce(greatest(plan.last_measured, given.last_measured), plan.last_measured)
  from jsonb_to_recordset(%(rows)s::jsonb) as given (patient_id text, wake_at timestamptz, last_measured timestamptz)
 where plan.patient_id = given.patient_id

-- due --
-- Patients to look at again, those who take part.
select patient_id
  from home_plan
 where wake_at <= %(now)s
 order by wake_at, patient_id
 limit %(limit)s

-- series --
-- The readings of some patients and metrics since a moment each, one JSON text a patient and metric.
select wanted.patient_id, wanted.metric,
       json_agg(json_build_array(one.id, one.value::text, one.measured, one.received, one.device, one.live, one.fasting,
                                 one.automatic, one.given, one.symptoms, one.findings, one.waits_until)
                order by one.measured)::text as readings
  from jsonb_to_recordset(%(wanted)s::jsonb) as wanted (patient_id text, metric text, since timestamptz)
  join home_reading as one
    on one.patient_id = wanted.patient_id
   and one.metric = wanted.metric
   and one.measured >= wanted.since
 group by wanted.patient_id, wanted.metric

-- put_readings --
-- Readings as they are now. When one came first stays.
insert into home_reading (patient_id, id, observation, metric, value, measured, received, device, live, fasting,
       automatic, given, symptoms, state, clock, late, waits_until, findings)
select given.patient_id, given.id, given.observation, given.metric, given.value, given.measured, given.received,
       given.device, given.live, given.fasting, given.automatic, given.given,
       array(select jsonb_array_elements_text(given.symptoms)), given.state, given.clock, given.late, given.waits_until,
       given.findings
  from jsonb_to_recordset(%(rows)s::jsonb)
       as given (patient_id text, id text, observation text, metric text, value numeric, measured timestamptz,
                 received timestamptz, device text, live boolean, fasting boolean, automatic boolean, given text,
                 symptoms jsonb, state text, clock boolean, late boolean, waits_until timestamptz, findings jsonb)
on conflict (tenant_id, patient_id, id) do update
   set metric = excluded.metric, value = excluded.value, measured = excluded.measured, device = excluded.device,
       live = excluded.live, fasting = excluded.fasting, automatic = excluded.automatic, given = excluded.given,
       symptoms = excluded.symptoms, state = excluded.state, clock = excluded.clock, late = excluded.late,
       waits_until = excluded.waits_until, findings = excluded.findings

-- drop_observations --
-- Readings of these Observations that are not among those that stand; when each was measured, and of which metric.
delete from home_reading
 where observation = any (%(observations)s::text[])
   and id <> all (%(standing)s::text[])
returning patient_id, metric, measured

-- received --
-- When some readings came first.
select id, received
  from home_reading
 where patient_id = any (%(patients)s::text[])
   and observation = any (%(observations)s::text[])

-- findings --
-- Everything that the readings of some patients breached, of all time.
select patient_id, findings::text as findings
  from home_reading
 where patient_id = any (%(patients)s::text[])
   and findings is not null

-- instants --
-- When anything was measured of some patients, since a moment; `told` are metrics of answers.
select patient_id, array_agg(measured order by measured) as measured
  from home_reading
 where patient_id = any (%(patients)s::text[])
   and measured >= %(since)s
   and metric <> 'missed'
   and metric <> all (%(told)s::text[])
   and value is not null
 group by patient_id

-- drop_silences --
delete from home_reading
 where patient_id = any (%(patients)s::text[])
   and metric = 'missed'
   and measured >= %(since)s

-- waits --
-- The next moment at which a repeat is missed, by patient.
select patient_id, min(waits_until) as waits_until
  from home_reading
 where patient_id = any (%(patients)s::text[])
   and waits_until > %(now)s
 group by patient_id

-- waiting_metrics --
-- Which metrics of some patients wait for a repeat whose time is over.
select patient_id, metric, min(measured) as measured
  from home_reading
 where patient_id = any (%(patients)s::text[])
   and waits_until <= %(now)s
 group by patient_id, metric

-- alerts --
select id, patient_id, alert, number, tier, late, state, opened, since, ended, says, readings, row_ids, action, acted
  from home_alert
 where patient_id = any (%(patients)s::text[])
 order by opened, id

-- alert --
select id, patient_id, alert, number, tier, late, state, opened, since, ended, says, readings, row_ids, action, acted
  from home_alert
 where id = %(id)s

-- put_alerts --
insert into home_alert (id, patient_id, alert, number, tier, late, state, opened, since, ended, says, readings, row_ids)
select given.id, given.patient_id, given.alert, given.number, given.tier, given.late, given.state, given.opened,
       given.since, given.ended, given.says, array(select jsonb_array_elements_text(given.readings)),
       array(select jsonb_array_elements_text(given.row_ids))
  from jsonb_to_recordset(%(rows)s::jsonb)
       as given (id text, patient_id text, alert text, number int, tier text, late boolean, state text,
                 opened timestamptz, since timestamptz, ended timestamptz, says text, readings jsonb, row_ids jsonb)
on conflict (tenant_id, id) do update
   set tier = excluded.tier, late = excluded.late, state = excluded.state, opened = excluded.opened,
       since = excluded.since, ended = excluded.ended, says = excluded.says, readings = excluded.readings,
       row_ids = excluded.row_ids

-- note_action --
update home_alert
   set action = %(action)s, acted = coalesce(acted, %(at)s)
 where id = %(id)s

-- board --
-- Everybody who is watched, the worst and the longest waiting first.
select plan.patient_id, plan.status, plan.since, plan.plan::text as plan, plan.last_measured,
       worst.id as alert_id, worst.tier, worst.late, worst.since as alert_since, worst.says, worst.alert,
       coalesce(worst.open_alerts, 0) as open_alerts, pending.waits_until
  from home_plan as plan
  left join lateral (
       select id, tier, late, since, says, alert, count(*) over () as open_alerts
         from home_alert
        where home_alert.patient_id = plan.patient_id
          and home_alert.state = 'open'
        order by case tier when 'red' then 0 when 'yellow' then 1 else 2 end, since, id
        limit 1) as worst on true
  left join lateral (
       select max(waits_until) as waits_until
         from home_reading
        where home_reading.patient_id = plan.patient_id
          and home_reading.waits_until > %(now)s) as pending on true
 where plan.status <> 'finished'
 order by case worst.tier when 'red' then 0 when 'yellow' then 1 when 'grey' then 2 else 3 end, worst.since,
       plan.last_measured desc nulls first, plan.patient_id
 limit %(limit)s

-- shown --
-- The valid readings of some patients since a moment, oldest first, for charts and tables.
select patient_id, id, observation, metric, value, measured, received, device, automatic, given, state, clock, late,
       findings is not null as breached
  from home_reading
 where patient_id = any (%(patients)s::text[])
   and measured >= %(since)s
   and metric <> 'missed'
 order by measured, id

-- counted --
-- What a report on alerts is made of, opened within a window.
select alert, tier, opened, acted, action
  from home_alert
 where opened >= %(start)s
   and opened <= %(end)s
   and state <> 'withdrawn'
 order by opened, id

-- enrolled_days --
-- Days that people were watched within a window, by whole days.
select coalesce(sum(greatest(extract(epoch from
       least(coalesce(until, %(end)s), %(end)s) - greatest(since, %(start)s)), 0)) / 86400, 0)::float as days
  from home_plan

-- watched --
-- Everybody who is watched, in order, after a patient.
select patient_id
  from home_plan
 where status <> 'finished'
   and patient_id > %(after)s
 order by patient_id
 limit %(limit)s

-- all_readings --
-- Everything that came of some patients since a moment.
select patient_id, id, metric, value::text as value, measured, received, device, live, fasting, automatic, given, symptoms
  from home_reading
 where patient_id = any (%(patients)s::text[])
   and measured >= %(since)s
   and metric <> 'missed'
 order by patient_id, measured, id

-- accepted --
-- Readings of which a person said that they are right: those of alerts that ended with that.
select patient_id, unnest(readings) as id
  from home_alert
 where patient_id = any (%(patients)s::text[])
   and action = any (%(actions)s::text[])
