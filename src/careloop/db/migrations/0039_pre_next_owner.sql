-- Who owns the next step of a loop stands with the loop and its place, so that the list of an owner with very many loops
-- is read from places; only loops in which somebody else is next are looked at step by step (decision 0257).

alter table loop add column next_owner text, add column next_waiting boolean not null default false;
comment on column loop.next_owner is 'who owns `next_step`; null where no step is open';
comment on column loop.next_waiting is 'the move of `next_step` is somebody else''s (loops.rules.rank.is_waiting)';
alter table loop_step add column aside boolean not null default false;
comment on column loop_step.aside is 'open, and somebody else owns the next step of the loop';
alter table loop_place add column next_owner text;

-- Loops of all tenants, whom the owner of the tables sees only while row-level security does not bind it; nothing that
-- follows a change of a loop or a step has anything to do with it.
alter table loop no force row level security;
alter table loop_step no force row level security;
alter table loop_place no force row level security;
alter table loop disable trigger user;
alter table loop_step disable trigger user;
with next as (
    select distinct on (s.tenant_id, s.loop_id) s.tenant_id, s.loop_id, s.owner,
           (s.clock = 'waiting' or s.status = 'on-hold') as waiting
      from loop_step as s
     where s.is_open
     order by s.tenant_id, s.loop_id, waiting, s.due, s.position)
update loop as l
   set next_owner = next.owner, next_waiting = next.waiting
  from next
 where l.tenant_id = next.tenant_id
   and l.id = next.loop_id
   and l.is_open;
update loop_step as s
   set aside = true
  from loop as l
 where l.tenant_id = s.tenant_id
   and l.id = s.loop_id
   and s.is_open
   and s.owner <> l.next_owner;
update loop_place as p
   set next_owner = l.next_owner, waiting = l.next_waiting,
       holds_until = case when p.waiting = l.next_waiting then p.holds_until else '-infinity' end
  from loop as l
 where l.tenant_id = p.tenant_id
   and l.id = p.loop_id;
alter table loop enable trigger user;
alter table loop_step enable trigger user;
alter table loop force row level security;
alter table loop_step force row level security;
alter table loop_place force row level security;

create index loop_place_of_next on loop_place (tenant_id, next_owner);
create index loop_step_aside on loop_step (tenant_id, owner) where aside;
create index loop_of_other_next on loop (tenant_id, owner)
    where is_open and next_owner is distinct from owner;
-- Of a new column the planner would guess that half of all steps stand aside.
analyze loop, loop_step, loop_place;

-- As it was (0018, 0033; this one holds), with the owner of the next step and with its own waiting: a loop that is
-- waited for in one step and on hold in another waits, as its page says.
create or replace function keep_loop_place() returns trigger language plpgsql as $$
begin
    delete from loop_place as p
     using changed as l
     where p.tenant_id = l.tenant_id
       and p.loop_id = l.id
       and l.status not in ('requested', 'accepted', 'in-progress', 'on-hold');
    insert into loop_place as p (loop_id, patient_id, pathway, tier, step_id, due, opened, outside, waiting, safety,
                                 lasting_points, snoozed_until, next_owner, section, points, holds_from, holds_until)
    select l.id, l.patient_id, l.pathway, l.tier, l.next_step, l.next_due, l.opened, l.next_outside, l.next_waiting,
           l.safety, l.lasting_points, l.snoozed_until, l.next_owner,
           coalesce(rank_section(r.points, l.next_due, l.next_waiting, l.safety, c.tomorrow, c.weights), 1),
           coalesce(r.points, 0), coalesce(c.at, 'infinity'),
           coalesce(rank_until(l.opened, l.next_due, l.next_outside, l.next_waiting, c.at, c.zone, c.weights), '-infinity')
      from changed as l
      left join loop_place as stands on stands.tenant_id = l.tenant_id and stands.loop_id = l.id
      left join worklist_clock as c on c.tenant_id = l.tenant_id
     cross join lateral (select rank_points(l.lasting_points, l.opened, l.next_due, l.next_outside, l.next_waiting, c.at,
                                            c.tomorrow, c.day_after, c.weights) as points) as r
     where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
       and (stands.loop_id is null
            or (stands.patient_id, stands.pathway, stands.tier, stands.step_id, stands.due, stands.opened, stands.outside,
                stands.waiting, stands.safety, stands.lasting_points, stands.snoozed_until, stands.next_owner)
               is distinct from
               (l.patient_id, l.pathway, l.tier, l.next_step, l.next_due, l.opened, l.next_outside, l.next_waiting, l.safety,
                l.lasting_points, l.snoozed_until, l.next_owner))
     order by l.id
    on conflict (tenant_id, loop_id) do update
       set patient_id = excluded.patient_id, pathway = excluded.pathway, tier = excluded.tier,
           step_id = excluded.step_id, due = excluded.due, opened = excluded.opened, outside = excluded.outside,
           waiting = excluded.waiting, safety = excluded.safety, lasting_points = excluded.lasting_points,
           snoozed_until = excluded.snoozed_until, next_owner = excluded.next_owner, section = excluded.section,
           points = excluded.points, holds_from = excluded.holds_from, holds_until = excluded.holds_until;
    return null;
end
$$;
