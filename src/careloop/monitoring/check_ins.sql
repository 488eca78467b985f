-- wake --
-- These patients are looked at now.
insert into check_in_clock (patient_id, wake_at)
select unnest(%(patients)s::text[]), %(at)s
on conflict (tenant_id, patient_id) do update
   set wake_at = least(check_in_clock.wake_at, excluded.wake_at)

-- set_wake --
insert into check_in_clock (patient_id, wake_at)
values (%(patient_id)s, %(at)s)
on conflict (tenant_id, patient_id) do update
   set wake_at = excluded.wake_at

-- sleep --
delete from check_in_clock
 where patient_id = %(patient_id)s

-- due --
select patient_id
  from check_in_clock
 where wake_at <= %(now)s
 order by wake_at, patient_id
 limit %(limit)s

-- ask --
insert into check_in (id, patient_id, asked, closes, medium, sent, state)
values (%(id)s, %(patient_id)s, %(asked)s, %(closes)s, %(medium)s, %(sent)s, 'open')
on conflict (tenant_id, id) do nothing

-- of_patients --
-- Check-ins of some patients since a moment, oldest first.
select id, patient_id, asked, closes, medium, sent, reminded, answered, response, level, symptoms, said::text as said,
       complete, touched, state, read_by, read_at
  from check_in
 where patient_id = any (%(patients)s::text[])
   and asked >= %(since)s
   and state <> 'withdrawn'
 order by patient_id, asked, id

-- one --
select id, patient_id, asked, closes, medium, sent, reminded, answered, response, level, symptoms, said::text as said,
       complete, touched, state, read_by, read_at
  from check_in
 where id = %(id)s

-- reminded --
update check_in
   set reminded = %(at)s
 where id = %(id)s

-- by_phone --
-- The way did not work: a person asks by phone, and silence is not the patient's.
update check_in
   set medium = 'PHONE', sent = false
 where id = %(id)s
   and state = 'open'

-- close --
-- Its time is over. A link that was handed over and never used is as if it had not been.
update check_in
   set state = case when sent then 'missed' when medium in ('WRITTEN', 'ONLINEWRIT') then 'withdrawn' else 'not-asked' end
 where id = %(id)s
   and state = 'open'

-- withdraw --
update check_in
   set state = 'withdrawn'
 where patient_id = %(patient_id)s
   and state = 'open'
returning id

-- draft --
-- Something was said: kept as far as it goes.
update check_in
   set response = %(response)s, touched = %(at)s, level = %(level)s, symptoms = %(symptoms)s, said = %(said)s::jsonb
 where id = %(id)s

-- answer --
-- It is answered; what came later or again replaces what was said, and is unread.
update check_in
   set state = 'answered', answered = coalesce(answered, %(at)s), response = %(response)s, level = %(level)s,
       symptoms = %(symptoms)s, said = %(said)s::jsonb, complete = %(complete)s, touched = %(at)s, read_by = null,
       read_at = null
 where id = %(id)s

-- read --
update check_in
   set read_by = %(by)s, read_at = %(at)s
 where id = %(id)s
   and read_at is null

-- of_response --
select id, complete
  from check_in
 where response = %(response)s

-- lines --
-- Everybody who takes part, with their newest check-in since a moment, the answer before it, the worst open alert.
select plan.patient_id, plan.status, plan.plan::text as plan, plan.last_measured,
       now_asked.id, now_asked.asked, now_asked.closes, now_asked.medium, now_asked.sent, now_asked.reminded,
       now_asked.answered, now_asked.level, now_asked.symptoms, now_asked.said::text as said, now_asked.complete,
       now_asked.touched, now_asked.state, now_asked.read_at, now_asked.response,
       before.said::text as said_before, before.answered as answered_before, before.level as level_before,
       worst.id as alert_id, worst.tier, worst.says, clock.wake_at
  from home_plan as plan
  left join check_in_clock as clock
    on clock.patient_id = plan.patient_id
  left join lateral (
       select *
         from check_in
        where check_in.patient_id = plan.patient_id
          and check_in.state <> 'withdrawn'
          and check_in.asked >= %(since)s
        order by check_in.asked desc
        limit 1) as now_asked on true
  left join lateral (
       select said, answered, level
         from check_in
        where check_in.patient_id = plan.patient_id
          and check_in.answered is not null
          and check_in.id <> coalesce(now_asked.id, '')
        order by check_in.asked desc
        limit 1) as before on true
  left join lateral (
       select id, tier, says
         from home_alert
        where home_alert.patient_id = plan.patient_id
          and home_alert.state = 'open'
        order by case tier when 'red' then 0 when 'yellow' then 1 else 2 end, since, id
        limit 1) as worst on true
 where plan.status <> 'finished'
 order by plan.patient_id
 limit %(limit)s

-- last_values --
-- The newest two valid readings of each metric of some patients, newest first.
select patient_id, metric, value, measured
  from (
       select patient_id, metric, value, measured,
              row_number() over (partition by patient_id, metric order by measured desc, id) as place
         from home_reading
        where patient_id = any (%(patients)s::text[])
          and measured >= %(since)s
          and state = 'valid'
          and value is not null
          and metric <> 'missed') as newest
 where place <= 2
 order by patient_id, metric, place
