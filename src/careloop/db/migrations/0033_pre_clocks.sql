-- A clock that turns writes little: what it did stands beside the derived state, and the instant at which a loop wakes
-- stands apart, so that the row of the loop changes without its indexes (decision 0242).

alter table loop add column turned jsonb;
comment on column loop.turned is 'what clocks did since `state` was derived (loops.rules.turned); none of it is in `state`';
drop index loop_to_wake;
alter table loop set (fillfactor = 85);
alter table loop_step set (fillfactor = 85);

-- When each loop whose clock goes wakes. Kept by triggers from `loop.wake_at`.
create table loop_clock (
    tenant_id int not null,
    loop_id uuid not null,
    patient_id text not null,
    wake_at timestamptz not null,
    primary key (tenant_id, loop_id)
) with (fillfactor = 70);
-- Loops of all tenants, whom the owner of the tables sees only while row-level security does not bind it.
alter table loop no force row level security;
insert into loop_clock (tenant_id, loop_id, patient_id, wake_at)
select tenant_id, id, patient_id, wake_at from loop where wake_at < '9999-12-31';
create index loop_clock_to_wake on loop_clock (tenant_id, wake_at);
alter table loop_clock add foreign key (tenant_id, loop_id) references loop (tenant_id, id)
    on delete cascade deferrable initially deferred;
alter table loop force row level security;
select make_tenant_table('loop_clock');

create function keep_loop_clock() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        delete from loop_clock as c
         using changed as l
         where c.tenant_id = l.tenant_id
           and c.loop_id = l.id
           and (l.wake_at is null or l.wake_at >= '9999-12-31');
        update loop_clock as c
           set wake_at = l.wake_at, patient_id = l.patient_id
          from changed as l
         where c.tenant_id = l.tenant_id
           and c.loop_id = l.id
           and (c.wake_at <> l.wake_at or c.patient_id <> l.patient_id);
    end if;
    insert into loop_clock (tenant_id, loop_id, patient_id, wake_at)
    select l.tenant_id, l.id, l.patient_id, l.wake_at
      from changed as l
     where l.wake_at < '9999-12-31'
       and not exists (select from loop_clock as c where c.tenant_id = l.tenant_id and c.loop_id = l.id);
    return null;
end
$$;
create trigger loop_clock_new after insert on loop
    referencing new table as changed for each statement execute function keep_loop_clock();
create trigger loop_clock_moved after update on loop
    referencing new table as changed for each statement execute function keep_loop_clock();

-- As it was (0018), but a place is touched only where something of it differs: a row that is in conflict is locked, and
-- most changes of a loop move no place.
create or replace function keep_loop_place() returns trigger language plpgsql as $$
begin
    delete from loop_place as p
     using changed as l
     where p.tenant_id = l.tenant_id
       and p.loop_id = l.id
       and l.status not in ('requested', 'accepted', 'in-progress', 'on-hold');
    insert into loop_place as p (loop_id, patient_id, pathway, tier, step_id, due, opened, outside, waiting, safety,
                                 lasting_points, snoozed_until, section, points, holds_from, holds_until)
    select l.id, l.patient_id, l.pathway, l.tier, l.next_step, l.next_due, l.opened, l.next_outside, w.waiting, l.safety,
           l.lasting_points, l.snoozed_until,
           coalesce(rank_section(r.points, l.next_due, w.waiting, l.safety, c.tomorrow, c.weights), 1),
           coalesce(r.points, 0), coalesce(c.at, 'infinity'),
           coalesce(rank_until(l.opened, l.next_due, l.next_outside, w.waiting, c.at, c.zone, c.weights), '-infinity')
      from changed as l
     cross join lateral (select l.clock = 'waiting' or l.status = 'on-hold' as waiting) as w
      left join loop_place as stands on stands.tenant_id = l.tenant_id and stands.loop_id = l.id
      left join worklist_clock as c on c.tenant_id = l.tenant_id
     cross join lateral (select rank_points(l.lasting_points, l.opened, l.next_due, l.next_outside, w.waiting, c.at,
                                            c.tomorrow, c.day_after, c.weights) as points) as r
     where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
       and (stands.loop_id is null
            or (stands.patient_id, stands.pathway, stands.tier, stands.step_id, stands.due, stands.opened, stands.outside,
                stands.waiting, stands.safety, stands.lasting_points, stands.snoozed_until)
               is distinct from
               (l.patient_id, l.pathway, l.tier, l.next_step, l.next_due, l.opened, l.next_outside, w.waiting, l.safety,
                l.lasting_points, l.snoozed_until))
     order by l.id
    on conflict (tenant_id, loop_id) do update
       set patient_id = excluded.patient_id, pathway = excluded.pathway, tier = excluded.tier,
           step_id = excluded.step_id, due = excluded.due, opened = excluded.opened, outside = excluded.outside,
           waiting = excluded.waiting, safety = excluded.safety, lasting_points = excluded.lasting_points,
           snoozed_until = excluded.snoozed_until, section = excluded.section, points = excluded.points,
           holds_from = excluded.holds_from, holds_until = excluded.holds_until;
    return null;
end
$$;
