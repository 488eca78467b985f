-- forget --
-- Rows that are made again, or whose request is gone.
delete from referral
 where request_id = any (%(ids)s::text[])

-- put --
insert into referral (request_id, task_id, patient_id, clinic, clinic_name, service, payer, language, priority, state,
       board, is_open, since, due, due_because, clock_start, see_by, sent, answered, scheduled, visit_on, seen,
       reported, reviewed, ended, no_shows, silent, reminded)
values (%(request_id)s, %(task_id)s, %(patient_id)s, %(clinic)s, %(clinic_name)s, %(service)s, %(payer)s,
       %(language)s, %(priority)s, %(state)s, %(board)s, %(is_open)s, %(since)s, %(due)s, %(due_because)s,
       %(clock_start)s, %(see_by)s, %(sent)s, %(answered)s, %(scheduled)s, %(visit_on)s, %(seen)s, %(reported)s,
       %(reviewed)s, %(ended)s, %(no_shows)s, %(silent)s, %(reminded)s)

-- requests_of --
-- Referrals of some patients, or that have one of these Tasks.
select request_id
  from referral
 where patient_id = any (%(patients)s::text[])
    or task_id = any (%(tasks)s::text[])
 order by request_id

-- columns --
-- How many cards each column of the board has, and how many of them are late.
select board, count(*) as total, count(*) filter (where due < %(now)s) as late
  from referral
 where board is not null
 group by board

-- cards --
-- The cards of one column, the shortest clock first, each with its open loop.
select r.request_id, r.patient_id, r.clinic, r.clinic_name, r.service, r.priority, r.state, r.since, r.due, r.sent,
       r.visit_on, r.seen, r.reported, r.silent, r.no_shows, l.id::text as loop_id
  from referral as r
  left join loop as l
    on l.focus = 'ServiceRequest/' || r.request_id
   and l.pathway in ('referral', 'social-need')
   and l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
 where r.board = %(board)s
   and (%(clinic)s::text is null or r.clinic = %(clinic)s)
 order by r.due nulls last, r.since nulls last, r.request_id
 limit %(limit)s

-- silent --
-- Those for which a clinic is late and was not reminded of late.
select request_id
  from referral
 where board = any (%(boards)s::text[])
   and due < %(now)s
   and clinic <> ''
   and (reminded is null or reminded < %(quiet)s)
 order by due, request_id
 limit %(limit)s

-- clinics --
-- The figures of the clinics that were asked since then; without names all of them, those asked most first.
select r.clinic, max(r.clinic_name) as name, count(*) as asked,
       percentile_disc(0.5) within group (order by greatest(0, extract(epoch from r.answered - r.sent)))
           filter (where r.answered is not null and r.sent is not null) as median_answer_seconds,
       percentile_disc(0.5) within group (order by (r.seen at time zone %(zone)s)::date - r.clock_start)
           filter (where r.seen is not null and r.clock_start is not null) as median_wait_days,
       count(*) filter (where r.answered is not null) as answered,
       count(*) filter (where r.seen is not null) as seen,
       count(*) filter (where r.seen is not null and r.reported is not null) as reported,
       count(*) filter (where r.is_open and r.answered is null and r.sent is not null) as unanswered
  from referral as r
 where r.clinic <> ''
   and r.sent >= %(since)s
   and (%(clinics)s::text[] is null or r.clinic = any (%(clinics)s::text[]))
 group by r.clinic
 order by asked desc, r.clinic
 limit %(limit)s

-- times --
-- What the report of waiting times rests on.
select request_id, clinic, clinic_name, service, payer, language, priority, clock_start, see_by, seen, ended, scheduled,
       reported
  from referral
 where clock_start between %(first)s and %(last)s
 order by clock_start, request_id
 limit %(limit)s

-- median_answer --
-- Over the answers that came since then.
select percentile_disc(0.5) within group (order by greatest(0, extract(epoch from answered - sent)))
  from referral
 where answered >= %(since)s
   and sent is not null

-- services --
-- What is referred for most.
select service, count(*) as asked
  from referral
 where service <> ''
 group by service
 order by asked desc, service
 limit 40

-- waits --
-- Days from when the patient began to wait to the visit, of visits since then: by clinic and by what was asked for.
select r.clinic, r.service, count(*)::int as visits,
       percentile_disc(0.5) within group (order by w.days)::int as median,
       percentile_disc(0.1) within group (order by w.days)::int as low,
       percentile_disc(0.9) within group (order by w.days)::int as high,
       grouping(r.clinic)::int as every_clinic, grouping(r.service)::int as every_service
  from referral as r
 cross join lateral (select (r.seen at time zone %(zone)s)::date - r.clock_start as days) as w
 where r.seen >= %(since)s
   and r.clock_start is not null
   and w.days >= 0
 group by grouping sets ((r.clinic), (r.service), (r.clinic, r.service))

-- standing --
-- How many referrals whose patients began to wait on these days are in which state, by clinic.
select state, coalesce(board, '') as board, clinic_name, count(*)::int as total
  from referral
 where clock_start between %(first)s and %(last)s
 group by state, board, clinic_name
 order by state, board, clinic_name

-- of_year --
-- Referrals that may have been made in a year: nobody begins to wait after the referral was written.
select request_id, task_id, patient_id
  from referral
 where clock_start between %(first)s and %(last)s
 order by patient_id, request_id
 limit %(limit)s
