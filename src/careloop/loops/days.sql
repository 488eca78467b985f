-- minutes_of --
-- What these people said of their minutes: on this day if they said something of it, else of its weekday.
select w.person, coalesce(d.minutes, m.minutes) as minutes, d.why
  from unnest(%(people)s::text[]) as w (person)
  left join work_day as d on d.person = w.person and d.day = %(day)s
  left join work_minutes as m on m.person = w.person and m.weekday = %(weekday)s
 where d.minutes is not null or m.minutes is not null

-- week_of --
select weekday, minutes
  from work_minutes
 where person = %(person)s

-- set_weekday --
insert into work_minutes (person, weekday, minutes)
values (%(person)s, %(weekday)s, %(minutes)s)
on conflict (tenant_id, person, weekday) do update
   set minutes = excluded.minutes

-- set_day --
insert into work_day (person, day, minutes, why)
values (%(person)s, %(day)s, %(minutes)s, %(why)s)
on conflict (tenant_id, person, day) do update
   set minutes = excluded.minutes, why = excluded.why

-- clear_day --
delete from work_day
 where person = %(person)s
   and day = %(day)s

-- due_steps --
-- How many steps of each kind each of these owners has to do before an instant.
select s.owner, s.step_id, count(*) as total
  from loop_step as s
 where s.owner = any(%(owners)s)
   and s.status in ('requested', 'accepted', 'in-progress')
   and s.clock <> 'waiting'
   and s.due < %(before)s
 group by s.owner, s.step_id

-- views_of --
-- The lists that this person named, and those that others share.
select v.id::text, v.person, v.name, v.query, v.shared
  from saved_view as v
 where v.person = %(person)s
    or v.shared
 order by v.person <> %(person)s, v.name, v.id
 limit 100

-- view --
select v.id::text, v.person, v.name, v.query, v.shared
  from saved_view as v
 where v.id = %(id)s
   and (v.person = %(person)s or v.shared)

-- save_view --
insert into saved_view (id, person, name, query, shared, made)
values (%(id)s, %(person)s, %(name)s, %(query)s, %(shared)s, %(made)s)
on conflict (tenant_id, person, name) do update
   set query = excluded.query, shared = excluded.shared, made = excluded.made
returning id::text

-- remove_view --
delete from saved_view
 where id = %(id)s
   and person = %(person)s

-- add_report --
insert into rank_report (id, loop_id, pathway, at, by, position, points, parts, says, should)
values (%(id)s, %(loop_id)s, %(pathway)s, %(at)s, %(by)s, %(position)s, %(points)s, %(parts)s::jsonb, %(says)s, %(should)s)

-- reports --
-- What was said to be wrong: what nobody answered first, then the newest.
select r.id::text, r.loop_id::text, l.number, r.pathway, r.at, r.by, r.position, r.points, r.parts, r.says, r.should,
       r.answered, r.answered_by, r.answer
  from rank_report as r
  join loop as l on l.tenant_id = r.tenant_id and l.id = r.loop_id
 where r.at >= %(since)s
 order by r.answered is not null, r.at desc, r.id
 limit %(limit)s

-- report_counts --
select count(*) as total, count(*) filter (where answered is null) as open
  from rank_report
 where at >= %(since)s

-- answer_report --
update rank_report
   set answered = %(at)s, answered_by = %(by)s, answer = %(answer)s
 where id = %(id)s
   and answered is null
