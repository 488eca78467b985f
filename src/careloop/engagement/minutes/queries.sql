-- keep_minutes --
insert into minutes_entry (source, patient_id, who, activity, started, ended, seconds, says, counts)
values (%(source)s, %(patient_id)s, %(who)s, %(activity)s, %(started)s, %(ended)s, %(seconds)s, %(says)s, %(counts)s)
on conflict (tenant_id, source) do update
   set patient_id = excluded.patient_id, who = excluded.who, activity = excluded.activity, started = excluded.started,
       ended = excluded.ended, seconds = excluded.seconds, says = excluded.says, counts = excluded.counts

-- uncount_minutes --
update minutes_entry
   set counts = false
 where source = any (%(sources)s)

-- minutes_of_patient --
select source, patient_id, who, activity, started, ended, seconds, says, counts
  from minutes_entry
 where patient_id = %(patient_id)s
   and counts
   and started >= %(since)s
   and started < %(until)s
 order by started, source

-- minutes_by_activity --
-- Seconds of each person by what they did, for those who look at the work of a span.
select who, activity, sum(seconds)::bigint as seconds, count(*)::int as acts
  from minutes_entry
 where counts
   and started >= %(since)s
   and started < %(until)s
 group by who, activity
 order by who, activity

-- minutes_for_patients --
-- Work for some patients that began in a span: seconds, acts, calls.
select coalesce(sum(seconds), 0)::bigint as seconds, count(*)::int as acts,
       count(*) filter (where activity = 'call')::int as calls
  from minutes_entry
 where patient_id = any(%(patients)s)
   and counts
   and started >= %(since)s
   and started < %(until)s
