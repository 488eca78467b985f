-- secondary_indexes --
-- What can be made again after a load: every index that no constraint needs, of the tables that are filled.
select 'drop index ' || i.indexrelid::regclass as away, pg_get_indexdef(i.indexrelid) as again
  from pg_index as i
 where i.indrelid = any(array['loop', 'loop_step', 'loop_place', 'resource', 'resource_date', 'resource_string', 'patient_identifier',
                                'patient_key']::regclass[])
   and not exists (select from pg_constraint as c where c.conindid = i.indexrelid)
   and i.indexrelid::regclass::text not in ('loop_one_per_matter')

-- reserve_keys --
-- So many keys of resources are nobody else's; the first of them.
select min(block) - 999 from (select nextval('resource_key') as block from generate_series(0, %(count)s::int / 1000)) as taken

-- copy_resources --
-- Each resource of the templates once more for each of some other people: the numbers in it, eight digits after a
-- letter, are those of the other person. The search index holds them by type and patient only.
insert into resource (key, last_updated, digest, self, version, type, id, patient_id, tokens, present, refs, body)
select %(first)s + row_number() over () - 1, r.last_updated, r.digest # n.number, r.self # n.number, r.version, r.type,
       overlay(r.id placing n.digits from 2 for 8), overlay(r.patient_id placing n.digits from 2 for 8), r.tokens, r.present,
       r.refs, replace(r.body, substr(r.id, 2, 8), n.digits)
  from (select number, lpad(number::text, 8, '0') as digits, lpad((number %% %(templates)s)::text, 8, '0') as template
          from generate_series(%(low)s::int, %(high)s::int - 1) as number) as n
 cross join unnest(%(types)s::text[], %(letters)s::text[]) as k (type, letter)
  join resource as r
    on r.type = k.type
   and r.id = k.letter || n.template

-- template_loops --
-- The loops that the real path opened, with their steps.
select l.id::text, l.pathway, l.focus, l.matter, substr(l.patient_id, 2)::int as template,
       (select array_agg(s.step_id order by s.position) from loop_step as s where s.loop_id = l.id) as steps
  from loop as l
 where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
   and l.patient_id like 'P________'

-- make_map --
create temporary table loop_map (template uuid, number int, id uuid) on commit drop

-- make_step_map --
create temporary table step_map (template uuid, id uuid, step_id text, task_id uuid) on commit drop

-- index_maps --
analyze loop_map, step_map

-- copy_loops --
-- Loops of the map: the same facts about another person, so that a review finds them as they must be. Their clocks rest.
insert into loop (id, pathway, version, patient_id, focus, matter, status, clock, owner, opened, deadline, next_step, next_due,
                  next_outside, tier, safety, lasting_points, board, watch_until, as_of, wake_at, task_version, history, state)
select m.id, l.pathway, l.version, 'P' || d.digits, overlay(l.focus placing d.digits from length(l.focus) - 7 for 8),
       replace(l.matter, substr(l.patient_id, 2), d.digits), l.status, l.clock,
       case when m.number %% %(queue_each)s < 2000 then %(queue)s
            else (%(owners)s::text[])[1 + (m.number + m.number / %(templates)s * 37) %% %(owner_count)s] end,
       l.opened, l.deadline, l.next_step, l.next_due, l.next_outside, l.tier, l.safety, l.lasting_points, l.board,
       l.watch_until, l.as_of, '9999-12-31', l.task_version, '{}',
       replace(replace(l.state::text, substr(l.patient_id, 2), d.digits), l.id::text, m.id::text)::jsonb
  from loop_map as m
  join loop as l on l.id = m.template
 cross join lateral (select lpad(m.number::text, 8, '0') as digits) as d

-- copy_steps --
insert into loop_step (loop_id, step_id, task_id, position, status, clock, owner, owner_role, due, says, outside, ended,
                       closure_reason, evidence, task_version, history)
select m.id, s.step_id, m.task_id, s.position, s.status, s.clock, l.owner, s.owner_role, s.due, s.says, s.outside, s.ended,
       s.closure_reason, s.evidence, s.task_version, '{}'
  from step_map as m
  join loop_step as s on s.loop_id = m.template and s.step_id = m.step_id
  join loop as l on l.id = m.id

-- copy_closed --
-- Loops that ended within the last year, with their state and without their steps.
insert into loop (id, pathway, version, patient_id, focus, matter, status, clock, owner, opened, closed, deadline, next_due,
                  next_outside, tier, safety, lasting_points, as_of, task_version, history, state)
select md5(l.id::text || n.number)::uuid, l.pathway, l.version, 'P' || lpad((n.number %% %(patients)s)::text, 8, '0'),
       l.focus || '-' || n.number, l.matter, 'completed', 'on-time', l.owner, l.opened - n.age, l.opened - n.age + interval '9 days',
       l.deadline - n.age, l.next_due - n.age, l.next_outside, l.tier, l.safety, l.lasting_points, l.as_of, 1, '{}',
       l.state || jsonb_build_object('status', 'completed', 'steps', '[]'::jsonb, 'id', md5(l.id::text || n.number)::uuid)
  from (select number, number %% %(templates)s as template, make_interval(hours => 24 * 22 + number %% 8000) as age
          from generate_series(%(low)s::int, %(high)s::int - 1) as number) as n
  join loop as l on l.patient_id = 'P' || lpad(n.template::text, 8, '0')
   and l.number <= %(newest)s

-- newest_number --
select max(number) from loop

-- traits_are_read --
insert into trait_reading (reached, ahead, ahead_before)
select max(seq), max(seq), 0 from change_feed
on conflict (tenant_id) do update set reached = excluded.reached, ahead = excluded.ahead

-- contradictions_are_read --
insert into contradiction_reading (reached, ahead, ahead_before)
select max(seq), max(seq), 0 from change_feed
on conflict (tenant_id) do update set reached = excluded.reached, ahead = excluded.ahead

-- medicines_are_read --
insert into medicine_reading (reached, ahead, ahead_before)
select max(seq), max(seq), 0 from change_feed
on conflict (tenant_id) do update set reached = excluded.reached, ahead = excluded.ahead

-- readings_are_read --
insert into home_feed (reached, ahead, ahead_before)
select max(seq), max(seq), 0 from change_feed
on conflict (tenant_id) do update set reached = excluded.reached, ahead = excluded.ahead

-- nobody_is_told --
update notice_event
   set told = at
 where told is null

-- wakes --
-- When the loops of the templates wake, the first first.
select substr(l.patient_id, 2)::int as template, min(l.wake_at) as wake
  from loop as l
 where l.wake_at < '9999-01-01'
   and l.patient_id like 'P________'
 group by 1
 order by 2, 1

-- counts --
select count(*) as loops, count(*) filter (where status in ('requested', 'accepted', 'in-progress', 'on-hold')) as open,
       (select count(*) from resource where type = 'Patient') as patients
  from loop

-- count_patients --
select count(*)
  from resource
 where type = 'Patient'

-- nth_wake --
-- The instant by which so many loops, or all whose clocks go, have something to do.
select max(wake_at)
  from (select wake_at from loop where wake_at < '9999-01-01' order by wake_at limit %(count)s) as found

-- no_limit --
set local statement_timeout = 0

-- more_memory --
set local maintenance_work_mem = '512MB'

-- places_rest --
alter table loop disable trigger loop_place_new

-- places_go_on --
alter table loop enable trigger loop_place_new

-- take_statistics --
analyze loop, loop_step, loop_place, resource, patient_trait
