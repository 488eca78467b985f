-- loops_of_patients --
-- The loops of these patients, and those about these matters, each with its steps and acts; in a fixed order.
select l.id::text, l.number, l.patient_id, l.owner, l.as_of, l.snoozed_until, l.task_version, l.history,
       l.state::text as state, l.turned::text as turned,
       (select coalesce(jsonb_agg(jsonb_build_object('step_id', s.step_id, 'task_id', s.task_id, 'owner', s.owner,
                   'task_version', s.task_version, 'history', s.history) order by s.position), '[]')::text
          from loop_step as s
         where s.tenant_id = l.tenant_id
           and s.loop_id = l.id) as steps,
       (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'step_id', a.step_id, 'kind', a.kind, 'at', a.at,
                   'by', a.by, 'data', a.data,
                   'undone', exists (select from loop_act as u
                                      where u.tenant_id = a.tenant_id and u.undoes = a.id)) order by a.at, a.id), '[]')::text
          from loop_act as a
         where a.tenant_id = l.tenant_id
           and a.loop_id = l.id
           and a.undoes is null) as acts
  from loop as l
 where l.patient_id = any(%(patients)s)
    or l.focus = any(%(focuses)s)
    or l.id = any(%(ids)s::uuid[])
 order by l.opened, l.id

-- loops_to_turn --
-- The same of loops by their ids, without acts.
select l.id::text, l.number, l.patient_id, l.owner, l.as_of, l.snoozed_until, l.task_version, l.history,
       l.state::text as state, l.turned::text as turned,
       (select json_agg(json_build_object('step_id', s.step_id, 'task_id', s.task_id, 'owner', s.owner,
                   'task_version', s.task_version, 'history', s.history) order by s.position)::text
          from loop_step as s
         where s.tenant_id = l.tenant_id
           and s.loop_id = l.id) as steps
  from loop as l
 where l.id = any(%(ids)s::uuid[])
 order by l.opened, l.id

-- save_loops --
-- Rows in the order given.
insert into loop (id, number, pathway, version, patient_id, focus, matter, status, clock, owner, opened, closed,
                  closure_reason, closure_by, closure_note, deadline, next_step, next_due, next_outside, next_owner,
                  next_waiting, tier, safety, lasting_points, board, watch_until, as_of, wake_at, hold_reason, hold_by,
                  hold_until, snoozed_until, task_version, history, state)
select id, number, pathway, version, patient_id, focus, matter, status, clock,
       owner, opened, closed, closure_reason, closure_by, closure_note, deadline,
       next_step, next_due, next_outside, next_owner, next_waiting, tier, safety, lasting_points, board,
       watch_until, as_of, wake_at, hold_reason, hold_by, hold_until, snoozed_until,
       task_version, history, state
  from json_populate_recordset(null::loop, %(rows)s::json)
on conflict (tenant_id, id) do update
   set version = excluded.version, patient_id = excluded.patient_id, status = excluded.status,
       clock = excluded.clock, owner = excluded.owner, opened = excluded.opened, closed = excluded.closed,
       closure_reason = excluded.closure_reason, closure_by = excluded.closure_by,
       closure_note = excluded.closure_note, deadline = excluded.deadline, next_step = excluded.next_step,
       next_due = excluded.next_due, next_outside = excluded.next_outside, next_owner = excluded.next_owner,
       next_waiting = excluded.next_waiting, tier = excluded.tier, safety = excluded.safety,
       lasting_points = excluded.lasting_points, board = excluded.board, watch_until = excluded.watch_until,
       as_of = greatest(loop.as_of, excluded.as_of), wake_at = excluded.wake_at,
       hold_reason = excluded.hold_reason, hold_by = excluded.hold_by, hold_until = excluded.hold_until,
       snoozed_until = excluded.snoozed_until, task_version = excluded.task_version, history = excluded.history,
       state = excluded.state, turned = null

-- save_steps --
insert into loop_step (loop_id, step_id, task_id, position, status, clock, owner, owner_role, aside, due, says, outside,
                       ended, closure_reason, evidence, hold_reason, hold_by, hold_until, task_version, history)
select loop_id, step_id, task_id, position, status, clock, owner, owner_role, aside, due,
       says, outside, ended, closure_reason, evidence, hold_reason, hold_by, hold_until,
       task_version, history
  from json_populate_recordset(null::loop_step, %(rows)s::json)
on conflict (tenant_id, loop_id, step_id) do update
   set position = excluded.position, status = excluded.status, clock = excluded.clock, owner = excluded.owner,
       owner_role = excluded.owner_role, aside = excluded.aside, due = excluded.due, says = excluded.says,
       outside = excluded.outside, ended = excluded.ended, closure_reason = excluded.closure_reason,
       evidence = excluded.evidence, hold_reason = excluded.hold_reason,
       hold_by = excluded.hold_by, hold_until = excluded.hold_until, task_version = excluded.task_version,
       history = excluded.history

-- turning --
-- Until `turned_all` triggers of `loop` leave alone what is written: see 0040.
select set_config('app.turning', 'yes', true)

-- turned_all --
select set_config('app.turning', '', true)

-- turn_clocks --
-- When turned loops wake next; those that never do have no row.
with given as materialized (
    select id, wake_at
      from json_to_recordset(%(rows)s::json) as given (id uuid, wake_at timestamptz)),
gone as (
    delete from loop_clock
     using given
     where loop_clock.loop_id = given.id
       and given.wake_at >= '9999-12-31')
update loop_clock
   set wake_at = given.wake_at
  from given
 where loop_clock.loop_id = given.id
   and given.wake_at < '9999-12-31'

-- turn_loops --
-- Loops of which only clocks turned: their derived state stays as it was written, and no index is touched.
update loop
   set clock = given.clock, as_of = greatest(loop.as_of, given.as_of), wake_at = given.wake_at,
       task_version = given.task_version, history = given.history, turned = given.turned
  from json_to_recordset(%(rows)s::json)
    as given (id uuid, clock text, as_of timestamptz, wake_at timestamptz, task_version int, history text[],
              turned jsonb)
 where loop.id = given.id

-- turn_steps --
update loop_step
   set clock = given.clock, task_version = given.task_version, history = given.history
  from json_to_recordset(%(rows)s::json)
    as given (loop_id uuid, step_id text, clock text, task_version int, history text[])
 where loop_step.loop_id = given.loop_id
   and loop_step.step_id = given.step_id

-- next_numbers --
-- As many loop numbers as asked for.
select nextval('loop_number') as number from generate_series(1, %(count)s)

-- end_ownership --
-- Ends what is owned now. The instant is after the beginning even when two changes fall on one instant.
update ownership
   set owned_until = greatest(%(at)s, owned_from + interval '1 microsecond')
 where loop_id = %(loop_id)s
   and step_id = %(step_id)s
   and owned_until is null

-- begin_ownership --
-- The next owner begins where the last one ended; the first one begins at `at`.
insert into ownership (loop_id, step_id, owner, owned_from, previous_until, by, why)
select %(loop_id)s, %(step_id)s, %(owner)s, coalesce(last.until, %(at)s), last.until, %(by)s, %(why)s
  from (select max(owned_until) as until
          from ownership
         where loop_id = %(loop_id)s
           and step_id = %(step_id)s) as last

-- first_ownership --
insert into ownership (loop_id, step_id, owner, owned_from, by, why)
select loop_id, step_id, owner, owned_from, by, why
  from json_populate_recordset(null::ownership, %(rows)s::json)

-- owner_at --
-- Who owned this at that moment.
select owner, why, by
  from ownership
 where loop_id = %(loop_id)s
   and step_id = %(step_id)s
   and owned_from <= %(at)s
   and (owned_until is null or owned_until > %(at)s)

-- owner_loads --
-- Open steps of each of these owners; owners without work are not in the answer.
select owner, count(*) as open_steps
  from loop_step
 where owner = any(%(owners)s)
   and status in ('requested', 'accepted', 'in-progress', 'on-hold')
 group by owner

-- save_escalations --
-- Each fires once: a key that stands already keeps its instant; only whether it still holds changes. One that stands
-- again calls whom it would call now: whoever it called then may be gone.
insert into escalation (loop_id, step_id, key, to_role, to_owner, at, fired, late, stands)
select loop_id, step_id, key, to_role, to_owner, at, fired, late, true
  from json_populate_recordset(null::escalation, %(rows)s::json)
on conflict (tenant_id, loop_id, step_id, key) do update
   set stands = true, to_owner = case when escalation.stands then escalation.to_owner else excluded.to_owner end

-- settle_escalations --
-- Escalations whose step is done, or whose deadline was corrected, no longer call anybody.
update escalation as e
   set stands = false
  from json_to_recordset(%(rows)s::json) as given (loop_id uuid, standing text[])
 where e.loop_id = given.loop_id
   and e.stands
   and e.step_id || ' ' || e.key <> all(given.standing)

-- add_act --
insert into loop_act (id, loop_id, step_id, kind, at, by, data, undoes)
values (%(id)s, %(loop_id)s, %(step_id)s, %(kind)s, %(at)s, %(by)s, %(data)s::jsonb, %(undoes)s)

-- patients_with_loops --
select distinct patient_id
  from loop
 where patient_id = any(%(patients)s)

-- patients_with_proof --
-- Patients for whose loops a person named one of these resources as proof.
select distinct l.patient_id
  from loop_act as a
  join loop as l
    on l.tenant_id = a.tenant_id
   and l.id = a.loop_id
 where a.kind = 'evidence'
   and split_part(a.data ->> 'reference', '/_history/', 1) = any(%(things)s)
 order by l.patient_id

-- act --
select a.id::text, a.loop_id::text, a.step_id, a.kind, a.at, a.by, a.data,
       exists (select from loop_act as u where u.tenant_id = a.tenant_id and u.undoes = a.id) as undone
  from loop_act as a
 where a.id = %(id)s

-- receipt --
select receipt::text as receipt
  from act_receipt
 where by = %(by)s
   and key = %(key)s

-- save_receipt --
insert into act_receipt (key, by, act_id, receipt, at)
values (%(key)s, %(by)s, %(act_id)s, %(receipt)s::jsonb, %(at)s)

-- due_loops --
-- Loops that time alone changes by now, oldest first, each patient locked for this worker alone (the lock is the one
-- that every review takes; a patient whom somebody else holds just now is left to them). Of some parts of all patients
-- one: those who sweep together do not meet.
select due.loop_id::text as id, due.patient_id
  from (select c.loop_id, c.patient_id
          from loop_clock as c
         where c.wake_at <= %(now)s
           and (hashtext(c.patient_id) & 2147483647) %% %(parts)s = %(part)s
         order by c.wake_at, c.loop_id
         limit %(batch)s) as due
 where pg_try_advisory_xact_lock(hashtextextended('patient ' || due.patient_id, %(tenant)s))

-- due_count --
-- How many loops are due, no further than it matters.
select count(*)
  from (select from loop_clock where wake_at <= %(now)s limit %(most)s) as due

-- due_patients --
-- Patients of whom a fact lay ahead whose time has come; locked likewise.
select due.patient_id
  from (select w.patient_id
          from loop_wake as w
         where w.wake_at <= %(now)s
           and (hashtext(w.patient_id) & 2147483647) %% %(parts)s = %(part)s
         order by w.wake_at, w.patient_id
         limit %(batch)s) as due
 where pg_try_advisory_xact_lock(hashtextextended('patient ' || due.patient_id, %(tenant)s))

-- escalations_since --
select count(*) as fired, count(*) filter (where late) as late
  from escalation
 where fired >= %(since)s

-- set_wake --
insert into loop_wake (patient_id, wake_at)
values (%(patient_id)s, %(wake_at)s)
on conflict (tenant_id, patient_id) do update
   set wake_at = excluded.wake_at

-- waking --
-- Those of some patients whose time to be looked at has come.
select patient_id
  from loop_wake
 where patient_id = any(%(patients)s) and wake_at <= %(now)s
 union
select patient_id
  from loop
 where patient_id = any(%(patients)s) and wake_at <= %(now)s

-- clear_wakes --
delete from loop_wake
 where patient_id = any(%(patients)s)

-- note_once --
-- The keys that were not noted before.
insert into loop_note (patient_id, key, at)
select %(patient_id)s, key, %(at)s
  from unnest(%(keys)s::text[]) as key
on conflict do nothing
returning key

-- still_due --
-- Loops that were re-derived but would wake again at once; they are moved a minute on so that a sweep always ends.
update loop
   set wake_at = %(later)s
 where id = any(%(ids)s::uuid[])
   and wake_at <= %(now)s

-- open_offer --
select o.id::text, o.loop_id::text, o.giver, o.taker, o.why, o.offered
  from ownership_offer as o
 where o.loop_id = %(loop_id)s
   and o.answered is null

-- offer --
select o.id::text, o.loop_id::text, o.giver, o.taker, o.why, o.offered
  from ownership_offer as o
 where o.id = %(id)s
   and o.answered is null

-- add_offer --
insert into ownership_offer (id, loop_id, giver, taker, why, offered)
values (%(id)s, %(loop_id)s, %(giver)s, %(taker)s, %(why)s, %(offered)s)

-- answer_offer --
update ownership_offer
   set answered = %(at)s, answer = %(answer)s, answer_why = %(why)s
 where id = %(id)s
   and answered is null

-- withdraw_idle_offers --
-- Who offers a loop and holds nothing open of it any more, because it was done or is somebody else's, offers nothing.
update ownership_offer as o
   set answered = %(at)s, answer = 'withdrawn', answer_why = 'the giver holds nothing of it any more'
  from loop as l
 where o.loop_id = any(%(loops)s::uuid[])
   and o.answered is null
   and l.tenant_id = o.tenant_id
   and l.id = o.loop_id
   and not (l.is_open and l.owner = o.giver)
   and not exists (select from loop_step as s
                    where s.tenant_id = o.tenant_id
                      and s.loop_id = o.loop_id
                      and s.is_open
                      and s.owner = o.giver)

-- work_of_owner --
-- Everything open that this owner holds; step '' is the loop itself.
select loop_id::text, step_id, patient_id, owner_role
  from (select id as loop_id, '' as step_id, patient_id, 'coordinator' as owner_role
          from loop
         where owner = %(owner)s
           and status in ('requested', 'accepted', 'in-progress', 'on-hold')
         union all
        select s.loop_id, s.step_id, l.patient_id, s.owner_role
          from loop_step as s
          join loop as l on l.tenant_id = s.tenant_id and l.id = s.loop_id
         where s.owner = %(owner)s
           and s.status in ('requested', 'accepted', 'in-progress', 'on-hold')) as work
 order by loop_id, step_id

-- loop_of_task --
-- The loop, and the step ('' for the loop itself), that this Task stands for.
select id::text as loop_id, '' as step_id, patient_id
  from loop
 where id = %(task_id)s
 union all
select s.loop_id::text, s.step_id, l.patient_id
  from loop_step as s
  join loop as l on l.tenant_id = s.tenant_id and l.id = s.loop_id
 where s.task_id = %(task_id)s

-- versions_in_all --
-- The same while no Task of a loop or step is written.
select coalesce((select sum(task_version) from loop), 0) + coalesce((select sum(task_version) from loop_step), 0)

-- loops_by_pathway --
-- How many loops of each pathway stand in each state.
select pathway || ' ' || status as what, count(*) as loops
  from loop
 group by pathway, status
 order by 1

-- open_of_pathway --
-- Open loops of one pathway: what is late first, then by the next deadline.
select id::text, number, patient_id, focus, owner, clock, opened, next_due, next_step, deadline
  from loop
 where pathway = %(pathway)s
   and status in ('requested', 'accepted', 'in-progress', 'on-hold')
 order by next_due, id
 limit %(limit)s
