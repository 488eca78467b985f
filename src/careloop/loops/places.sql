-- clock --
-- By which weights and zone places were reckoned last; None before the first time.
select digest, counted
  from worklist_clock

-- set_clock --
insert into worklist_clock (at, tomorrow, day_after, zone, weights, digest)
values (%(now)s, %(tomorrow)s, %(day_after)s, %(zone)s, %(weights)s, %(digest)s)
on conflict (tenant_id) do update
   set at = excluded.at, tomorrow = excluded.tomorrow, day_after = excluded.day_after, zone = excluded.zone,
       weights = excluded.weights, digest = excluded.digest

-- renew --
-- Places that do not hold now are reckoned anew, at most so many; what somebody is writing just now is left to them.
with over as (
    select p.loop_id
      from loop_place as p
     where p.holds_until <= %(now)s or p.holds_from > %(now)s
     limit %(limit)s
       for update skip locked)
update loop_place as p
   set points = r.points,
       section = rank_section(r.points, p.due, p.waiting, p.safety, %(tomorrow)s, %(weights)s::int[]),
       holds_from = %(now)s,
       holds_until = rank_until(p.opened, p.due, p.outside, p.waiting, %(now)s, %(zone)s, %(weights)s::int[])
  from over
  join loop_place as q on q.loop_id = over.loop_id
 cross join lateral (
       select rank_points(q.lasting_points, q.opened, q.due, q.outside, q.waiting, %(now)s, %(tomorrow)s, %(day_after)s,
                          %(weights)s::int[]) as points) as r
 where p.loop_id = over.loop_id

-- forget_all --
-- No place holds any more.
update loop_place
   set holds_until = '-infinity'

-- some_open --
-- Open loops after this one, with what their lasting points are made of.
select l.id::text, l.lasting_points, l.safety, l.next_outside, l.next_step, l.state::text as state, l.turned::text as turned
  from loop as l
 where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
   and l.id > %(after)s::uuid
 order by l.id
 limit %(limit)s

-- weigh --
-- Lasting points and safety of some loops, and which of their steps have a clock from outside, are as given.
update loop as l
   set lasting_points = r.lasting_points, safety = r.safety, next_outside = r.next_outside
  from json_to_recordset(%(rows)s::json) as r (id uuid, lasting_points int, safety boolean, next_outside boolean)
 where l.id = r.id

-- weigh_steps --
update loop_step as s
   set outside = r.outside
  from json_to_recordset(%(rows)s::json) as r (loop_id uuid, step_id text, outside boolean)
 where s.loop_id = r.loop_id
   and s.step_id = r.step_id
   and s.outside <> r.outside

-- clear_totals --
delete from worklist_total

-- count_places --
-- Everybody's open loops by what lists are counted by.
insert into worklist_total (pathway, tier, section, snoozed, total, late)
select p.pathway, p.tier,
       rank_section(r.points, p.due, p.waiting, p.safety, %(tomorrow)s, %(weights)s::int[]) as section,
       coalesce(p.snoozed_until > %(now)s, false) as snoozed, count(*), count(*) filter (where p.due < %(now)s)
  from loop_place as p
 cross join lateral (
       select rank_points(p.lasting_points, p.opened, p.due, p.outside, p.waiting, %(now)s, %(tomorrow)s, %(day_after)s,
                          %(weights)s::int[]) as points) as r
 group by 1, 2, 3, 4

-- set_counted --
update worklist_clock
   set counted = %(now)s

-- changed --
-- The next entries of a window of the feed that tell of these types.
select seq, type, id, patient_id
  from change_feed
 where seq > %(after)s
   and seq <= %(through)s
   and type = any(%(types)s)
 order by seq
 limit %(limit)s

-- clear_traits --
delete from patient_trait
 where patient_id = any(%(patients)s)

-- add_traits --
insert into patient_trait (kind, value, patient_id)
select distinct r.kind, r.value, r.patient_id
  from json_to_recordset(%(rows)s::json) as r (kind text, value text, patient_id text)
on conflict do nothing

-- traits --
-- What patients can be told apart by. Found by jumping from value to value, whatever the number of patients.
with recursive found as (
    (select t.kind, t.value from patient_trait as t order by t.kind, t.value limit 1)
     union all
    select next.kind, next.value
      from found
     cross join lateral (
           select t.kind, t.value
             from patient_trait as t
            where (t.kind, t.value) > (found.kind, found.value)
            order by t.kind, t.value
            limit 1) as next)
select kind, value
  from found
 limit 200
