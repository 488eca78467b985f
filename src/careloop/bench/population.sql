-- reserve_keys --
-- So many keys of resources are nobody else's; the first of them.
select min(block) - 999 from (select nextval('resource_key') as block from generate_series(0, %(count)s::int / 1000)) as taken

-- template_facts --
-- What stands about some of the people of the real path, of the types that copies have.
select r.patient_id, r.body
  from resource as r
 where r.type = any(%(types)s)
   and r.patient_id = any(%(patients)s)
   and r.id like '_________'
 order by r.key

-- template_loops --
-- The loops that the real path opened, with their steps.
select l.id::text, l.pathway, l.focus, l.matter, substr(l.patient_id, 2)::int as template,
       (select array_agg(s.step_id order by s.position) from loop_step as s where s.loop_id = l.id) as steps
  from loop as l
 where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
   and l.patient_id like 'P________'

-- make_maps --
create temporary table loop_map (template uuid, number int, id uuid, owner text) on commit drop;
create temporary table step_map (template uuid, id uuid, step_id text, task_id uuid, owner text) on commit drop

-- look_at_maps --
analyze loop_map, step_map

-- places_follow --
-- Two triggers do their work even where the others rest: places and leads of loops are made by the product itself.
alter table loop enable always trigger loop_place_new;
alter table loop enable always trigger lead_follows_first_loop

-- places_as_before --
alter table loop enable trigger loop_place_new;
alter table loop enable trigger lead_follows_first_loop

-- keep_templates --
-- The templates apart, with keys: while the tables stand bare nothing else finds them quickly. Of ended loops the text
-- of the state up to its id, and from there on.
create unlogged table bench_loop as select l.*, substr(l.patient_id, 2)::int as template from loop as l where l.patient_id like 'P________';
create unlogged table bench_step as select s.* from loop_step as s join bench_loop as l on l.id = s.loop_id;
create unlogged table bench_ended as
select l.id, l.template, split_part(state.text, '"id": "?"', 1) as before, split_part(state.text, '"id": "?"', 2) as behind
  from bench_loop as l
 cross join lateral (
       select (l.state - array['focus', 'patient_id', 'deadline', 'opened', 'closed', 'next_change', 'holds_until']
               || '{"status": "completed", "clock": "on-time", "steps": [], "id": "?"}')::text as text) as state;
create index on bench_loop (id);
create index on bench_loop (template);
create index on bench_step (loop_id, step_id);
create index on bench_ended (id);
analyze bench_loop, bench_step, bench_ended

-- drop_templates --
drop table bench_loop, bench_step, bench_ended

-- copy_loops --
-- Loops of the map: the same facts about another person, so that a review finds them as they must be. Their clocks rest.
insert into loop (id, pathway, version, patient_id, focus, matter, status, clock, owner, opened, deadline, next_step, next_due,
                  next_outside, next_owner, next_waiting, tier, safety, lasting_points, board, watch_until, as_of, wake_at,
                  task_version, history, state, turned)
select m.id, l.pathway, l.version, 'P' || d.digits, overlay(l.focus placing d.digits from length(l.focus) - 7 for 8),
       replace(l.matter, substr(l.patient_id, 2), d.digits), l.status, l.clock, m.owner,
       l.opened, l.deadline, l.next_step, l.next_due, l.next_outside,
       case when l.next_owner is not null then m.owner end, l.next_waiting, l.tier, l.safety, l.lasting_points, l.board,
       l.watch_until, l.as_of, '9999-12-31', l.task_version, '{}',
       replace(replace(replace(l.state::text, substr(l.patient_id, 2), d.digits), l.id::text, m.id::text), l.owner, m.owner)::jsonb,
       replace(l.turned::text, substr(l.patient_id, 2), d.digits)::jsonb
  from loop_map as m
  join bench_loop as l on l.id = m.template
 cross join lateral (select lpad(m.number::text, 8, '0') as digits) as d

-- copy_steps --
-- All steps of a copy are of one owner, so none stands aside.
insert into loop_step (loop_id, step_id, task_id, position, status, clock, owner, owner_role, due, says, outside, ended,
                       closure_reason, evidence, task_version, history)
select m.id, s.step_id, m.task_id, s.position, s.status, s.clock, m.owner, s.owner_role, s.due, s.says, s.outside, s.ended,
       s.closure_reason,
       array(select replace(e.one, d.old, d.digits) from unnest(s.evidence) with ordinality as e (one, place) order by e.place),
       s.task_version, '{}'
  from step_map as m
  join bench_step as s on s.loop_id = m.template and s.step_id = m.step_id
  join bench_loop as l on l.id = m.template
  join loop_map as o on o.id = m.id
 cross join lateral (select lpad(o.number::text, 8, '0') as digits, substr(l.patient_id, 2) as old) as d

-- copy_responsibility --
-- What was known of the copied people when rules asked who is responsible, and who belongs to their care teams.
insert into responsibility (patient_id, facts, at)
select 'P' || lpad(n.number::text, 8, '0'), r.facts, r.at
  from generate_series(%(low)s::int, %(high)s::int - 1) as n (number)
  join responsibility as r on r.patient_id = 'P' || lpad((n.number %% %(templates)s)::text, 8, '0')

-- add_members --
insert into membership (patient_id, team_id, practitioner, role)
select 'P' || m.digits, 'C' || m.digits, m.practitioner, 'coordinator'
  from unnest(%(digits)s::text[], %(practitioners)s::text[]) as m (digits, practitioner)

-- copy_closed --
-- Loops that ended within the last year, with their state and without their steps.
insert into loop (id, pathway, version, patient_id, focus, matter, status, clock, owner, opened, closed, deadline, next_due,
                  next_outside, tier, safety, lasting_points, as_of, task_version, history, state)
select c.id, l.pathway, l.version, c.patient_id, c.focus, l.matter, 'completed', 'on-time', l.owner, c.opened, c.closed,
       c.deadline, l.next_due - n.age, l.next_outside, l.tier, l.safety, l.lasting_points, l.as_of, 1, '{}',
       (e.before || '"id": "' || c.id || '", "focus": "' || c.focus || '", "patient_id": "' || c.patient_id
        || '", "deadline": "' || replace(c.deadline::text, ' ', 'T') || ':00", "opened": "' || replace(c.opened::text, ' ', 'T')
        || ':00", "closed": "' || replace(c.closed::text, ' ', 'T') || ':00"'
        || e.behind)::jsonb
  from (select number, number %% %(templates)s as template, make_interval(hours => 24 * 22 + number %% 8000) as age
          from generate_series(%(low)s::int, %(high)s::int - 1) as number) as n
  join bench_loop as l on l.template = n.template
  join bench_ended as e on e.id = l.id
 cross join lateral (
       select md5(l.id::text || n.number)::uuid as id, 'P' || lpad((n.number %% %(patients)s)::text, 8, '0') as patient_id,
              l.focus || '-' || n.number as focus, l.deadline - n.age as deadline, l.opened - n.age as opened,
              l.opened - n.age + interval '9 days' as closed) as c

-- all_is_read --
-- Who reads the change feed has read it, as after days of work.
insert into feed_cursor (reader, through, next_through, next_xid)
select reader, newest.seq, newest.seq, pg_current_xact_id()
  from unnest(%(readers)s::text[]) as reader
 cross join (select max(seq) as seq from change_feed) as newest
on conflict (tenant_id, reader) do update
   set through = excluded.through, next_through = excluded.next_through, next_xid = excluded.next_xid

-- needs_are_known --
-- What is known of the copied people is what is known of those they are copies of: nobody needs to be looked at.
delete from responsibility_look

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

-- step_versions --
-- How many versions the Tasks of all steps have whose loops have a clock: a sweep adds one for each step that it turns.
select sum(s.task_version)::bigint
  from loop_clock as c
  join loop_step as s on s.loop_id = c.loop_id

-- read_due --
-- Every row that a sweep by that instant reads or changes, with what lies beside it: loops with their states and steps,
-- what the record has of their patients, who leads and owns.
with due as materialized (
    select c.loop_id, c.patient_id from loop_clock as c where c.wake_at <= %(now)s),
people as materialized (
    select distinct d.patient_id from due as d)
select (select sum(length(l.state::text)) from due as d join loop as l on l.id = d.loop_id) as states,
       (select sum(length(s.says)) from due as d join loop_step as s on s.loop_id = d.loop_id) as steps,
       (select count(p.points) from due as d join loop_place as p on p.loop_id = d.loop_id) as places,
       (select count(o.owner) from due as d join ownership as o on o.loop_id = d.loop_id) as owned,
       (select sum(length(r.body)) from people as d join resource as r on r.patient_id = d.patient_id) as resources,
       (select sum(length(w.why)) from people as d join lead as w on w.patient_id = d.patient_id) as leads

-- leave_untold --
-- Events of which nobody was told yet count as told.
update notice_event set told = at where told is null

-- count_patients --
select count(*)
  from resource
 where type = 'Patient'

-- nth_wake --
-- The instant by which so many loops, or all whose clocks go, have something to do.
select max(wake_at)
  from (select wake_at from loop_clock order by wake_at limit %(count)s) as found

-- no_limit --
set local statement_timeout = 0
