-- candidates_mine --
-- What these owners hold: their own open steps; loops whose next step is somebody else's; escalations to them.
-- One row a loop: own steps first, those that can be done before those that wait, then the earlier deadline.
select distinct on (work.loop_id) work.loop_id, work.step_id, work.due, work.outside, work.waiting
  from (select s.loop_id, s.step_id, s.due, s.outside, (s.clock = 'waiting' or s.status = 'on-hold') as waiting, 1 as tier
          from loop_step as s
         where s.owner = any(%(owners)s)
           and s.status in ('requested', 'accepted', 'in-progress', 'on-hold')
         union all
        select l.id, l.next_step, l.next_due, l.next_outside, true, 2
          from loop as l
         where l.owner = any(%(owners)s)
           and l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
         union all
        select e.loop_id, e.step_id, s.due, s.outside, false, 0
          from escalation as e
          join loop_step as s on s.tenant_id = e.tenant_id and s.loop_id = e.loop_id and s.step_id = e.step_id
         where e.to_owner = any(%(owners)s)
           and e.stands
           and s.status in ('requested', 'accepted', 'in-progress', 'on-hold')) as work
 order by work.loop_id, work.tier, work.waiting, work.due

-- source_mine --
-- Part of `page` and `totals`: loops of some owners, each with the step to show.
({candidates}) as c
  join loop as l on l.id = c.loop_id

-- source_all --
-- Part of `page` and `totals`: every loop with its next step.
loop as l
 cross join lateral (select l.next_step as step_id, l.next_due as due, l.next_outside as outside,
                            (l.clock = 'waiting' or l.status = 'on-hold') as waiting) as c

-- points --
-- Part of `page` and `totals`: the sum of loops.rules.rank, for candidate c of loop l.
l.lasting_points
    + least(%(day_open_most)s, %(day_open)s * greatest(0, floor(extract(epoch from %(now)s - l.opened) / 86400)::int))
    + case when c.waiting then 0
           when c.outside then case when c.due < %(now)s then %(outside_late)s
                                    when c.due < %(tomorrow)s then %(outside_today)s
                                    when c.due < %(day_after)s then %(outside_tomorrow)s
                                    else 0 end
           when c.due < %(now)s
               then least(%(own_late_most)s, %(own_late)s
                          + %(own_late_day)s * floor(extract(epoch from %(now)s - c.due) / 86400)::int)
           when c.due < %(tomorrow)s then %(own_today)s
           else 0 end

-- page --
-- The rows in their order. Points as in loops.rules.rank; the safety tier comes first whatever the points.
with ranked as (
    select l.id, c.step_id, c.due, c.waiting, l.opened, l.safety, {points} as points
      from {source}
     where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
       and (%(pathway)s::text is null or l.pathway = %(pathway)s)
       and (coalesce(l.snoozed_until > %(now)s, false)) = %(snoozed)s),
grouped as (
    select r.*,
           case when r.waiting and not r.safety then 4
                when r.safety or r.points >= %(now_from)s then 1
                when r.due < %(tomorrow)s then 2
                else 3 end as section
      from ranked as r)
select g.id::text, g.step_id, g.due, g.waiting, g.points, g.section
  from grouped as g
 order by g.section, g.safety desc, g.points desc, g.due, g.opened, g.id
 limit %(limit)s

-- totals --
-- How many rows each section and pathway has, how many are late and how many are snoozed; over the whole list.
with ranked as (
    select l.pathway, c.due, c.waiting, l.safety, coalesce(l.snoozed_until > %(now)s, false) as snoozed,
           {points} as points
      from {source}
     where l.status in ('requested', 'accepted', 'in-progress', 'on-hold'))
select r.pathway, r.snoozed,
       case when r.waiting and not r.safety then 4
            when r.safety or r.points >= %(now_from)s then 1
            when r.due < %(tomorrow)s then 2
            else 3 end as section,
       count(*) as total,
       count(*) filter (where r.due < %(now)s) as late
  from ranked as r
 group by 1, 2, 3

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
select l.id::text, l.number, l.pathway, l.patient_id, l.snoozed_until, l.hold_until, l.state::text as state
  from loop as l
 where l.id = any(%(ids)s::uuid[])

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
