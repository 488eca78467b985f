-- source_mine --
-- Part of `page_some`, `totals_some` and `page_and_totals`: what some owners hold. One row a loop: an escalation to them
-- first, then their own open steps, those that can be done before those that wait, the earlier deadline, the pathway's
-- order; a loop of theirs in which they have no step shows the next one, which is somebody else's.
-- Where the next step of a loop is theirs it is the first of these, and the loop's place says all of it. Where they are
-- called, the escalation does (`called`). Only loops in which they hold something while somebody else is next are looked
-- at step by step (`others`).
(with called as materialized (
      select distinct on (e.loop_id) e.loop_id, s.step_id, s.due, s.outside
        from escalation as e
        join loop_step as s on s.tenant_id = e.tenant_id and s.loop_id = e.loop_id and s.step_id = e.step_id
       where e.to_owner = any(%(owners)s)
         and e.stands
         and s.is_open
       order by e.loop_id, s.due, s.position),
others as materialized (
     (select s.loop_id
        from loop_step as s
       where s.owner = any(%(owners)s)
         and s.aside
       union
      select l.id
        from loop as l
       where l.owner = any(%(owners)s)
         and l.is_open
         and l.next_owner is distinct from l.owner)
      except
      select loop_id
        from called)
 select p.tenant_id, p.loop_id, p.patient_id, p.pathway, p.tier, p.opened, p.safety, p.lasting_points, p.snoozed_until,
        p.points, p.holds_from, p.holds_until, p.step_id, p.due, p.outside, p.waiting
   from loop_place as p
  where p.next_owner = any(%(owners)s)
    and p.loop_id not in (select loop_id from called union all select loop_id from others)
  union all
 select p.tenant_id, p.loop_id, p.patient_id, p.pathway, p.tier, p.opened, p.safety, p.lasting_points, p.snoozed_until,
        p.points, p.holds_from, '-infinity', o.step_id, o.due, o.outside, false
   from called as o
   join loop_place as p on p.loop_id = o.loop_id
  union all
 select p.tenant_id, p.loop_id, p.patient_id, p.pathway, p.tier, p.opened, p.safety, p.lasting_points, p.snoozed_until,
        p.points, p.holds_from, '-infinity', shown.step_id, shown.due, shown.outside, shown.waiting
   from others as o
   join loop_place as p on p.loop_id = o.loop_id
  cross join lateral (
        select work.*
          from (select s.step_id, s.due, s.outside, (s.clock = 'waiting' or s.status = 'on-hold') as waiting, 1 as tier,
                       s.position
                  from loop_step as s
                 where s.loop_id = o.loop_id
                   and s.owner = any(%(owners)s)
                   and s.is_open
                 union all
                select l.next_step, l.next_due, l.next_outside, true, 2, 0
                  from loop as l
                 where l.id = o.loop_id
                   and l.owner = any(%(owners)s)
                   and l.is_open) as work
         order by work.tier, work.waiting, work.due, work.position
         limit 1) as shown) as p
 cross join lateral (select p.step_id, p.due, p.outside, p.waiting) as c

-- source_few --
-- Part of `page_some` and `totals_some`: everybody's loops that pass rare filters.
loop_place as p
 cross join lateral (select p.step_id, p.due, p.outside, p.waiting) as c

-- points --
-- The sum of loops.rules.rank, for candidate c of place p.
rank_points(p.lasting_points, p.opened, c.due, c.outside, c.waiting, %(now)s, %(tomorrow)s, %(day_after)s, %(weights)s::int[])

-- points_if_kept --
-- The same, taken from the place while it holds.
case when p.holds_from <= %(now)s and p.holds_until > %(now)s and (select digest = %(digest)s from worklist_clock)
     then p.points else {points} end

-- filter_pathway --
p.pathway = %(pathway)s

-- filter_tier --
p.tier = %(tier)s

-- filter_due_before --
c.due < %(due_before)s

-- filter_language --
exists (select from patient_trait as t
         where t.tenant_id = p.tenant_id and t.patient_id = p.patient_id and t.kind = 'language' and t.value = %(language)s)

-- filter_programme --
exists (select from patient_trait as t
         where t.tenant_id = p.tenant_id and t.patient_id = p.patient_id and t.kind = 'programme' and t.value = %(programme)s)

-- page_some --
-- The rows in their order, all of them reckoned now. The safety tier comes first whatever the points.
with ranked as (
    select p.loop_id, c.step_id, c.due, c.waiting, p.opened, p.safety, {points} as points
      from {source}
     where {awake}
       and {filters}),
grouped as (
    select r.*, rank_section(r.points, r.due, r.waiting, r.safety, %(tomorrow)s, %(weights)s::int[]) as section
      from ranked as r)
select g.loop_id::text as id, g.step_id, g.due, g.waiting, g.points, g.section
  from grouped as g
 order by g.section, g.safety desc, g.points desc, g.due, g.opened, g.loop_id
 limit %(limit)s

-- totals_some --
-- How many rows each section and pathway has, how many are late and how many are snoozed; over the whole list.
with ranked as (
    select p.pathway, p.tier, c.due, c.waiting, p.safety, coalesce(p.snoozed_until > %(now)s, false) as snoozed,
           {points} as points
      from {source}
     where {filters})
select r.pathway, r.tier, r.snoozed,
       rank_section(r.points, r.due, r.waiting, r.safety, %(tomorrow)s, %(weights)s::int[]) as section,
       count(*) as total,
       count(*) filter (where r.due < %(now)s) as late
  from ranked as r
 group by 1, 2, 3, 4

-- rules_are_same --
-- Whether places were reckoned by the weights and midnights of now.
select digest = %(digest)s as same
  from worklist_clock

-- page_all --
-- The same rows and order over everybody's loops, where places were reckoned by the rules of now: those that hold come
-- from the index in their order, the others (a clock moved, or the worker did not come round yet) are reckoned now;
-- `limit` of each are enough.
with holding as (
    select p.loop_id, p.step_id, p.due, p.waiting, p.opened, p.safety, p.points, p.section
      from loop_place as p
     cross join lateral (select p.due) as c
     where p.holds_from <= %(now)s
       and p.holds_until > %(now)s
       and {awake}
       and {filters}
     order by p.section, p.safety desc, p.points desc, p.due, p.opened, p.loop_id
     limit %(limit)s),
over as materialized (
    select p.* from loop_place as p where p.holds_until <= %(now)s
     union all
    select p.* from loop_place as p where p.holds_from > %(now)s and p.holds_until > %(now)s),
anew as (
    select p.loop_id, p.step_id, p.due, p.waiting, p.opened, p.safety, {points} as points
      from over as p
     cross join lateral (select p.due, p.outside, p.waiting) as c
     where {awake}
       and {filters}),
both_kinds as (
    select h.* from holding as h
     union all
    select a.*, rank_section(a.points, a.due, a.waiting, a.safety, %(tomorrow)s, %(weights)s::int[]) as section
      from anew as a)
select b.loop_id::text as id, b.step_id, b.due, b.waiting, b.points, b.section
  from both_kinds as b
 order by b.section, b.safety desc, b.points desc, b.due, b.opened, b.loop_id
 limit %(limit)s

-- page_and_totals --
-- `page_some` and `totals_some` reckoned once. `place` numbers the rows of the page, which pass the filters; the others
-- count all rows, apart by whether they pass (`passes`).
with ranked as (
    select p.loop_id, p.pathway, p.tier, c.step_id, c.due, c.waiting, p.opened, p.safety, ({passing}) as passes,
           coalesce(p.snoozed_until > %(now)s, false) as snoozed, {points_if_kept} as points
      from {source}
     where {filters}),
grouped as materialized (
    select r.*, rank_section(r.points, r.due, r.waiting, r.safety, %(tomorrow)s, %(weights)s::int[]) as section
      from ranked as r),
page as (
    select g.*
      from grouped as g
     where g.snoozed = %(snoozed)s
       and g.passes
     order by g.section, g.safety desc, g.points desc, g.due, g.opened, g.loop_id
     limit %(limit)s)
select row_number() over (order by g.section, g.safety desc, g.points desc, g.due, g.opened, g.loop_id) as place,
       g.loop_id::text as id, g.step_id, g.due, g.waiting, g.points, g.section, g.pathway, g.tier, g.snoozed, g.passes,
       null::bigint as total, null::bigint as late
  from page as g
 union all
select null, null, null, null, null, null, g.section, g.pathway, g.tier, g.snoozed, g.passes, count(*),
       count(*) filter (where g.due < %(now)s)
  from grouped as g
 group by g.section, g.pathway, g.tier, g.snoozed, g.passes
 order by 1

-- awake --
-- Part of a page: what nobody put off.
(p.snoozed_until is null or p.snoozed_until <= %(now)s)

-- asleep --
-- Part of a page: what somebody put off.
p.snoozed_until > %(now)s

-- at_most --
-- How many loops pass the filters, as far as counting goes.
select count(*)
  from (select 1
          from loop_place as p
         cross join lateral (select p.due) as c
         where {filters}
         limit %(counted_to)s) as found

-- kept_totals --
-- As `totals_some` over everybody's loops, as they were counted last.
select pathway, tier, section, snoozed, total, late
  from worklist_total

-- closed_since --
select count(*)
  from loop as l
 where l.closed >= %(since)s
   and (%(owners)s::text[] is null or l.owner = any(%(owners)s))

-- rows --
-- What a list shows of each of these loops and the step beside it. `segments`: steps that count, whether proven.
select l.id::text, l.number, l.pathway, l.patient_id, coalesce(s.owner, l.owner) as owner,
       coalesce(s.clock, l.clock) as clock, coalesce(s.status, l.status) as status, l.hold_reason,
       coalesce(s.says, '') as says,
       case when starts_with(place.step_id, 'extra-') then (
           select x.step ->> 'title'
             from jsonb_array_elements(l.state -> 'steps') as x (step)
            where x.step ->> 'step_id' = place.step_id) end as own_title,
       (select array_agg(x.status = 'completed' order by x.position)
          from loop_step as x
         where x.tenant_id = l.tenant_id
           and x.loop_id = l.id
           and x.status <> 'cancelled') as segments
  from unnest(%(ids)s::uuid[], %(steps)s::text[]) as place (id, step_id)
  join loop as l on l.id = place.id
  left join loop_step as s on s.tenant_id = l.tenant_id and s.loop_id = l.id and s.step_id = place.step_id

-- shown --
-- Everything that the pane and the board show of each of these loops.
select l.id::text, l.number, l.pathway, l.patient_id, l.snoozed_until, l.hold_until, l.state::text as state, l.turned::text as turned
  from loop as l
 where l.id = any(%(ids)s::uuid[])

-- plan_facts --
-- What a plan of the day asks of these loops.
select p.loop_id::text as id, p.patient_id, p.safety
  from loop_place as p
 where p.loop_id = any(%(ids)s::uuid[])

-- held --
-- How many open loops this owner holds, as far as counting goes.
select count(*)
  from (select 1
          from loop as l
         where l.owner = %(owner)s
           and l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
         limit %(counted_to)s) as found

-- open_loops_of --
-- How many open loops each of these patients has.
select l.patient_id, count(*) as total
  from loop as l
 where l.patient_id = any(%(patients)s)
   and l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
 group by l.patient_id

-- standing_escalations --
select e.loop_id::text, e.step_id, e.to_role, e.at, e.late
  from escalation as e
 where e.loop_id = any(%(ids)s::uuid[])
   and e.stands
 order by e.at

-- holds_any_of --
-- Whether an owner holds this loop or an open step of it, or is called by an escalation: only then it is on their list.
select exists (select from loop as l where l.id = %(id)s and l.owner = %(owner)s)
    or exists (select from loop_step as s where s.loop_id = %(id)s and s.owner = %(owner)s and s.is_open)
    or exists (select from escalation as e where e.loop_id = %(id)s and e.to_owner = %(owner)s and e.stands)

-- board_totals --
select l.board, count(*) as total, count(*) filter (where l.next_due < %(now)s and l.clock <> 'waiting') as late
  from loop as l
 where l.board is not null
 group by l.board

-- board_loops --
-- The loops of one column, the shortest clock first.
select l.id::text
  from loop as l
 where l.board = %(board)s
 order by l.next_due, l.opened, l.id
 limit %(limit)s

-- owned_history --
-- Every owner that a loop and its steps ever had.
select o.step_id, o.owner, o.owned_from, o.by, o.why
  from ownership as o
 where o.loop_id = %(loop_id)s
 order by o.owned_from, o.step_id

-- acts_of --
select a.step_id, a.kind, a.at, a.by, a.data
  from loop_act as a
 where a.loop_id = %(loop_id)s
 order by a.at, a.id

-- by_number --
-- The loop that people call L-<number>.
select loop.id
  from loop
 where loop.number = %(number)s
