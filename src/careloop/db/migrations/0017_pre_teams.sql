-- Teams: who leads a patient's care, who can do what kind of work and when, who is away and who stands in for them.

-- What the record says of a member of the staff, as routing asks for it. `practitioner` is the bare id. Languages are
-- primary subtags, states are those in which a licence on record is or was valid; the exact dates stand in `licences`.
-- `working` are minutes of a weekday (0 is Monday) where PractitionerRole says so.
create table staff_profile (
    tenant_id int not null,
    practitioner text collate "C" not null,
    languages text[] not null default '{}',
    states text[] not null default '{}',
    licences jsonb not null default '[]',
    working jsonb not null default '{}',
    primary key (tenant_id, practitioner)
);
select make_tenant_table('staff_profile');

-- A few holders of a role are compared, however many there are: each sits at a place of a ring (`spin`), once for each
-- quality 'STATE|language' that somebody may ask for, and routing reads a few places on from a point of the ring.
create table staff_seat (
    tenant_id int not null,
    role text collate "C" not null,
    quality text collate "C" not null,
    spin bigint not null,
    practitioner text collate "C" not null,
    primary key (tenant_id, role, quality, spin, practitioner)
);
create index staff_seat_of on staff_seat (tenant_id, practitioner);
select make_tenant_table('staff_seat');

create function refresh_seats(whose text) returns void language sql as $$
    delete from staff_seat where practitioner = whose;
    insert into staff_seat (tenant_id, role, quality, spin, practitioner)
    select distinct a.tenant_id, role, state || '|' || language,
           hashtextextended(a.practitioner_id || ' ' || role, 0), a.practitioner_id
      from account as a
      left join staff_profile as p on p.tenant_id = a.tenant_id and p.practitioner = a.practitioner_id
     cross join unnest(a.roles) as role
     cross join unnest(array[''] || coalesce(p.states, '{}')) as state
     cross join unnest(array[''] || coalesce(p.languages, '{}')) as language
     where a.practitioner_id = whose
       and a.disabled is null
$$;
create function refresh_seats_of_account() returns trigger language plpgsql as $$
begin
    perform refresh_seats(new.practitioner_id);
    return null;
end
$$;
create function refresh_seats_of_profile() returns trigger language plpgsql as $$
begin
    perform refresh_seats(new.practitioner);
    return null;
end
$$;
create trigger seats_follow_account after insert or update of roles, disabled, practitioner_id on account
    for each row execute function refresh_seats_of_account();
create trigger seats_follow_profile after insert or update on staff_profile
    for each row execute function refresh_seats_of_profile();

-- Somebody is away, and who does their work meanwhile. FHIR says the first (PractitionerRole.notAvailable) and has no
-- word for the second. `begun`: their work went to the cover; `over`: what was left of it came back.
create table absence (
    tenant_id int not null,
    id uuid not null,
    practitioner text collate "C" not null,
    starts timestamptz not null,
    ends timestamptz not null,
    cover text collate "C",
    why text not null,
    by text not null,
    noted timestamptz not null,
    begun timestamptz,
    over timestamptz,
    primary key (tenant_id, id),
    check (starts < ends),
    check (cover <> practitioner),
    check (over is null or begun is not null or over <= starts)
);
create index absence_of on absence (tenant_id, practitioner, starts) where over is null;
create index absence_covered_by on absence (tenant_id, cover) where over is null;
create index absence_to_begin on absence (tenant_id, starts) where begun is null and over is null;
create index absence_to_end on absence (tenant_id, ends) where begun is not null and over is null;
select make_tenant_table('absence');

-- What somebody has shown that they can do, valid through a date (PG-04b).
create table competency (
    tenant_id int not null,
    practitioner text collate "C" not null,
    kind text collate "C" not null,
    issued date not null,
    valid_through date not null,
    by text not null,
    noted timestamptz not null,
    primary key (tenant_id, practitioner, kind, issued),
    check (issued <= valid_through)
);
create index competency_kind on competency (tenant_id, kind);
select make_tenant_table('competency');

-- Who belongs to a patient's care team, as the CareTeam resources say now; `ends` wakes the worker.
create table membership (
    tenant_id int not null,
    patient_id text collate "C" not null,
    team_id text collate "C" not null,
    practitioner text collate "C" not null,
    role text collate "C" not null,
    ends timestamptz,
    primary key (tenant_id, patient_id, team_id, practitioner, role)
);
create index membership_of on membership (tenant_id, practitioner);
create index membership_of_team on membership (tenant_id, team_id);
create index membership_ends on membership (tenant_id, ends) where ends is not null;
select make_tenant_table('membership');

-- One accountable lead coordinator of a patient at every moment since the first (PG-01): a chain as in `ownership`.
-- Two cannot be written, and once there is one there is always one, but while the patient is joined with another (A40):
-- then that one's lead is. `lead` is a person or the staffed queue.
create table lead (
    tenant_id int not null,
    patient_id text collate "C" not null,
    lead text not null check (lead ~ '^(Practitioner|CareTeam)/.'),
    led_from timestamptz not null,
    led_until timestamptz,
    previous_until timestamptz,
    by text not null,
    why text not null,
    -- The patient with whom this one was joined: nobody leads here until they are parted.
    joined_to text collate "C" check (joined_to is null or led_until is not null),
    primary key (tenant_id, patient_id, led_from),
    unique nulls not distinct (tenant_id, patient_id, led_until),
    unique nulls not distinct (tenant_id, patient_id, previous_until),
    foreign key (tenant_id, patient_id, previous_until)
        references lead (tenant_id, patient_id, led_until) deferrable initially deferred,
    constraint lead_runs_forward check (led_until > led_from),
    constraint lead_follows_at_once check (previous_until = led_from)
);
create index lead_now on lead (tenant_id, lead) where led_until is null;
select make_tenant_table('lead');

-- Whoever owns the first open loop of a patient without a lead leads from then on: nobody with open work is without one.
-- A closed loop that comes with a patient who is joined may be of somebody who left.
create function lead_of_first_loop() returns trigger language plpgsql as $$
begin
    insert into lead (tenant_id, patient_id, lead, led_from, by, why)
    select distinct on (o.patient_id) o.tenant_id, o.patient_id, o.owner, o.as_of, 'careloop',
           'owns the first loop of the patient'
      from opened as o
     where o.owner not like 'PractitionerRole/%'
       and o.is_open
       and not exists (select from lead as l where l.tenant_id = o.tenant_id and l.patient_id = o.patient_id)
     order by o.patient_id, o.opened, o.id
        on conflict do nothing;
    return null;
end
$$;
create trigger lead_follows_first_loop after insert on loop
    referencing new table as opened for each statement execute function lead_of_first_loop();
create trigger lead_follows_moved_loop after update on loop
    referencing new table as opened for each statement execute function lead_of_first_loop();

-- Work that is with a cover is found again by its reason (loops.ownership.covering).
create index ownership_of_covers on ownership (tenant_id, why text_pattern_ops)
    where owned_until is null and why like 'covers for %';

-- The lead is offered to somebody else, by a person or by a rule (PG-02). The giver leads until it is accepted; from
-- `assignable` on a supervisor may assign (PG-01: 2 business days).
create table lead_offer (
    tenant_id int not null,
    id uuid not null,
    patient_id text collate "C" not null,
    giver text not null,
    taker text not null,
    role text not null,
    rule text,
    why text not null,
    by text not null,
    offered timestamptz not null,
    assignable timestamptz not null,
    answered timestamptz,
    answer text check (answer in ('accepted', 'declined', 'withdrawn', 'assigned')),
    answer_why text,
    answered_by text,
    primary key (tenant_id, id),
    check ((answered is null) = (answer is null)),
    check (giver <> taker),
    check (offered < assignable)
);
create unique index lead_offer_open on lead_offer (tenant_id, patient_id) where answered is null;
create index lead_offer_of_taker on lead_offer (tenant_id, taker) where answered is null;
select make_tenant_table('lead_offer');

-- What was known of a patient when rules last asked who should be responsible (PG-02), so that a change is seen once.
create table responsibility (
    tenant_id int not null,
    patient_id text collate "C" not null,
    facts jsonb not null,
    at timestamptz not null,
    primary key (tenant_id, patient_id)
);
select make_tenant_table('responsibility');

-- Patients whose need may have changed since: a loop of theirs opened, closed or changed its tier.
create table responsibility_look (
    tenant_id int not null,
    patient_id text collate "C" not null,
    primary key (tenant_id, patient_id)
);
select make_tenant_table('responsibility_look');

create function look_at_changed_need() returns trigger language plpgsql as $$
begin
    insert into responsibility_look (tenant_id, patient_id)
    select distinct n.tenant_id, n.patient_id
      from changed as n
      join standing as o on o.tenant_id = n.tenant_id and o.id = n.id
     where (n.is_open, n.tier, n.patient_id) is distinct from (o.is_open, o.tier, o.patient_id)
        on conflict do nothing;
    return null;
end
$$;
create function look_at_new_need() returns trigger language plpgsql as $$
begin
    insert into responsibility_look (tenant_id, patient_id)
    select distinct n.tenant_id, n.patient_id from changed as n
        on conflict do nothing;
    return null;
end
$$;
create trigger need_follows_loop after update on loop
    referencing old table as standing new table as changed for each statement execute function look_at_changed_need();
create trigger need_follows_new_loop after insert on loop
    referencing new table as changed for each statement execute function look_at_new_need();

-- A hand-over of many loops that wrote itself, and each of its items with what was said then.
create table hand_over (
    tenant_id int not null,
    id uuid not null,
    giver text not null,
    taker text not null,
    note text not null,
    made timestamptz not null,
    since timestamptz,
    primary key (tenant_id, id),
    check (giver <> taker)
);
create index hand_over_between on hand_over (tenant_id, giver, taker, made);
create index hand_over_to on hand_over (tenant_id, taker, made);
select make_tenant_table('hand_over');

create table hand_over_item (
    tenant_id int not null,
    hand_over_id uuid not null,
    loop_id uuid not null,
    offer_id uuid not null,
    position int not null,
    told jsonb not null,
    primary key (tenant_id, hand_over_id, loop_id),
    foreign key (tenant_id, hand_over_id) references hand_over (tenant_id, id),
    foreign key (tenant_id, offer_id) references ownership_offer (tenant_id, id) deferrable initially deferred
);
create index hand_over_item_of_loop on hand_over_item (tenant_id, loop_id);
select make_tenant_table('hand_over_item');

-- What was stuck on a morning, for supervisors: made once a day, never changed.
create table digest (
    tenant_id int not null,
    day date not null,
    made timestamptz not null,
    lines jsonb not null,
    primary key (tenant_id, day)
);
select make_tenant_table('digest');

-- A case conference: its agenda is made of stuck loops; each decision is an owned step of its loop before the call ends.
create table conference (
    tenant_id int not null,
    id uuid not null,
    title text not null,
    begun timestamptz not null,
    by text not null,
    present text[] not null,
    absent text[] not null,
    ended timestamptz,
    primary key (tenant_id, id),
    check (cardinality(present) > 0),
    check (not present && absent)
);
create index conference_begun on conference (tenant_id, begun);
select make_tenant_table('conference');

create table conference_item (
    tenant_id int not null,
    conference_id uuid not null,
    loop_id uuid not null,
    position int not null,
    patient_id text collate "C" not null,
    asks text not null,
    state text not null default 'open' check (state in ('open', 'decided', 'carried')),
    decision text,
    owner text,
    step_id text,
    due timestamptz,
    decided timestamptz,
    decided_by text,
    primary key (tenant_id, conference_id, loop_id),
    foreign key (tenant_id, conference_id) references conference (tenant_id, id),
    constraint conference_decision_is_owned check (state <> 'decided'
        or (decision is not null and owner is not null and step_id is not null and due is not null))
);
select make_tenant_table('conference_item');

create table conference_vote (
    tenant_id int not null,
    conference_id uuid not null,
    loop_id uuid not null,
    member text not null,
    vote text not null check (vote in ('agree', 'disagree')),
    note text not null,
    at timestamptz not null,
    primary key (tenant_id, conference_id, loop_id, member),
    foreign key (tenant_id, conference_id, loop_id) references conference_item (tenant_id, conference_id, loop_id)
);
select make_tenant_table('conference_vote');
