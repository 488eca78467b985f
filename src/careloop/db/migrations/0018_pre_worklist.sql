-- The worklist of a large practice: where each open loop stands in the order, how long that holds, how many there are.
--
-- Points are a sum that time alone changes only at known instants (loops.rules.rank). So a place is kept with the span
-- in which it holds; lists take it from an index while it does, and reckon it anew where it does not. Nothing shown
-- depends on how often places are renewed, only how quickly it is shown.

-- The points of the clock and of age. `weights`: outside late, today, tomorrow; own late, each day, most; own today;
-- each day open, most; from how many on a loop is to be done now (loops.worklist.weights_of).
create function rank_points(lasting int, opened timestamptz, due timestamptz, outside boolean, waiting boolean,
                            at timestamptz, tomorrow timestamptz, day_after timestamptz, weights int[])
returns int language sql immutable parallel safe as $$
    select lasting
         + least(weights[9], weights[8] * greatest(0, floor(extract(epoch from at - opened) / 86400)::int))
         + case when waiting then 0
                when outside then case when due < at then weights[1]
                                       when due < tomorrow then weights[2]
                                       when due < day_after then weights[3]
                                       else 0 end
                when due < at then least(weights[6], weights[4]
                                         + weights[5] * floor(extract(epoch from at - due) / 86400)::int)
                when due < tomorrow then weights[7]
                else 0 end
$$;

-- 1 now, 2 today, 3 this week, 4 waiting on others.
create function rank_section(points int, due timestamptz, waiting boolean, safety boolean, tomorrow timestamptz, weights int[])
returns smallint language sql immutable parallel safe as $$
    select (case when waiting and not safety then 4
                 when safety or points >= weights[10] then 1
                 when due < tomorrow then 2
                 else 3 end)::smallint
$$;

-- The first instant after `at` at which time alone can change the points or the section.
create function rank_until(opened timestamptz, due timestamptz, outside boolean, waiting boolean, at timestamptz,
                           zone text, weights int[])
returns timestamptz language sql immutable parallel safe as $$
    select coalesce(min(one), 'infinity'::timestamptz)
      from unnest(array[
               case when weights[8] * greatest(0, floor(extract(epoch from at - opened) / 86400)) < weights[9]
                    then opened + make_interval(secs => 86400 * (1 + greatest(0, floor(extract(epoch from at - opened) / 86400)))) end,
               case when not waiting then due + interval '1 microsecond' end,
               case when not waiting then date_trunc('day', due at time zone zone) at time zone zone end,
               case when not waiting and outside
                    then (date_trunc('day', due at time zone zone) - interval '1 day') at time zone zone end,
               case when not waiting and not outside and due < at
                         and weights[4] + weights[5] * floor(extract(epoch from at - due) / 86400) < weights[6]
                    then due + make_interval(secs => 86400 * (1 + floor(extract(epoch from at - due) / 86400))) end
           ]) as one
     where one > at
$$;

-- By which instant, days and weights places were reckoned last. `digest` is of weights and zone: places reckoned by
-- other ones are not taken.
create table worklist_clock (
    tenant_id int not null primary key,
    at timestamptz not null,
    tomorrow timestamptz not null,
    day_after timestamptz not null,
    zone text not null,
    weights int[] not null,
    digest text not null,
    counted timestamptz
);
select make_tenant_table('worklist_clock');

-- The place of every open loop on the list of everybody's work.
create table loop_place (
    tenant_id int not null,
    loop_id uuid not null,
    patient_id text not null,
    pathway text not null,
    tier text not null,
    step_id text,
    due timestamptz not null,
    opened timestamptz not null,
    outside boolean not null,
    waiting boolean not null,
    safety boolean not null,
    lasting_points int not null,
    snoozed_until timestamptz,
    section smallint not null,
    points int not null,
    holds_from timestamptz not null,
    holds_until timestamptz not null,
    primary key (tenant_id, loop_id),
    foreign key (tenant_id, loop_id) references loop (tenant_id, id) on delete cascade deferrable initially deferred
) with (fillfactor = 80);
create index loop_place_order on loop_place (tenant_id, section, safety desc, points desc, due, opened, loop_id);
create index loop_place_of_kind on loop_place (tenant_id, pathway, section, safety desc, points desc, due, opened, loop_id);
create index loop_place_of_patient on loop_place (tenant_id, patient_id);
create index loop_place_by_due on loop_place (tenant_id, due);
create index loop_place_over on loop_place (tenant_id, holds_until);
create index loop_place_ahead on loop_place (tenant_id, holds_from);
create index loop_place_snoozed on loop_place (tenant_id, snoozed_until) where snoozed_until is not null;
select make_tenant_table('loop_place');

create function keep_loop_place() returns trigger language plpgsql as $$
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
      left join worklist_clock as c on c.tenant_id = l.tenant_id
     cross join lateral (select rank_points(l.lasting_points, l.opened, l.next_due, l.next_outside, w.waiting, c.at,
                                            c.tomorrow, c.day_after, c.weights) as points) as r
     where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
     order by l.id
    on conflict (tenant_id, loop_id) do update
       set patient_id = excluded.patient_id, pathway = excluded.pathway, tier = excluded.tier,
           step_id = excluded.step_id, due = excluded.due, opened = excluded.opened, outside = excluded.outside,
           waiting = excluded.waiting, safety = excluded.safety, lasting_points = excluded.lasting_points,
           snoozed_until = excluded.snoozed_until, section = excluded.section, points = excluded.points,
           holds_from = excluded.holds_from, holds_until = excluded.holds_until
     where (p.patient_id, p.pathway, p.tier, p.step_id, p.due, p.opened, p.outside, p.waiting, p.safety,
            p.lasting_points, p.snoozed_until)
           is distinct from
           (excluded.patient_id, excluded.pathway, excluded.tier, excluded.step_id, excluded.due, excluded.opened,
            excluded.outside, excluded.waiting, excluded.safety, excluded.lasting_points, excluded.snoozed_until);
    return null;
end
$$;
create trigger loop_place_new after insert on loop
    referencing new table as changed for each statement execute function keep_loop_place();
create trigger loop_place_moved after update on loop
    referencing new table as changed for each statement execute function keep_loop_place();

create index loop_closed_when on loop (tenant_id, closed) where closed is not null;

-- How many places there are of each sort, counted now and then where there are too many to count for every page.
create table worklist_total (
    tenant_id int not null,
    pathway text not null,
    tier text not null,
    section smallint not null,
    snoozed boolean not null,
    total int not null,
    late int not null,
    primary key (tenant_id, pathway, tier, section, snoozed)
);
select make_tenant_table('worklist_total');

-- What lists can be filtered by and no loop says: the language that the patient prefers, the programmes they are in.
create table patient_trait (
    tenant_id int not null,
    kind text not null check (kind in ('language', 'programme')),
    value text not null,
    patient_id text not null,
    primary key (tenant_id, kind, value, patient_id)
);
create index patient_trait_of_patient on patient_trait (tenant_id, patient_id);
select make_tenant_table('patient_trait');

-- How far the change feed was read for traits; `ahead`: how far it may be read once transactions older than
-- `ahead_before` have ended (see careloop.loops.traits).
create table trait_reading (
    tenant_id int not null primary key,
    reached bigint not null,
    ahead bigint not null,
    ahead_before bigint not null
);
select make_tenant_table('trait_reading');

-- A list that somebody named. Shared ones open for everybody at the practice who has the link.
create table saved_view (
    tenant_id int not null,
    id uuid not null,
    person text not null,
    name text not null check (length(name) between 1 and 60),
    query text not null,
    shared boolean not null,
    made timestamptz not null,
    primary key (tenant_id, id),
    unique (tenant_id, person, name)
);
select make_tenant_table('saved_view');

-- How many minutes a person has for the list on each day of the week (0 is Monday), and on days that are different.
create table work_minutes (
    tenant_id int not null,
    person text not null,
    weekday smallint not null check (weekday between 0 and 6),
    minutes int not null check (minutes between 0 and 1440),
    primary key (tenant_id, person, weekday)
);
select make_tenant_table('work_minutes');
create table work_day (
    tenant_id int not null,
    person text not null,
    day date not null,
    minutes int not null check (minutes between 0 and 1440),
    why text not null,
    primary key (tenant_id, person, day)
);
select make_tenant_table('work_day');

-- "Say it is wrong": what somebody thought of a place in the order, with the reasons that were shown to them. Kept for
-- ever; the owner of the rules answers once.
create table rank_report (
    tenant_id int not null,
    id uuid not null,
    loop_id uuid not null,
    pathway text not null,
    at timestamptz not null,
    by text not null,
    position int,
    points int not null,
    parts jsonb not null,
    says text not null,
    should text not null,
    answered timestamptz,
    answered_by text,
    answer text,
    primary key (tenant_id, id),
    foreign key (tenant_id, loop_id) references loop (tenant_id, id) deferrable initially deferred,
    check ((answered is null) = (answer is null)),
    check ((answered is null) = (answered_by is null))
);
create index rank_report_open on rank_report (tenant_id, at) where answered is null;
create index rank_report_when on rank_report (tenant_id, at);
select make_tenant_table('rank_report');
