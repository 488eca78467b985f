-- Notices: what changed that may need somebody, to whom it was told, and what became of it.

-- A change as it happened, written with it. `state` is what a thing is now: the same thing in the same state again is no
-- change. `told`: looked at by the rules of who is told; none may be told (history, nobody concerned).
create table notice_event (
    id bigint not null generated always as identity,
    tenant_id int not null,
    at timestamptz not null,
    kind text collate "C" not null check (kind <> ''),
    patient_id text collate "C" not null,
    thing text collate "C" not null,
    state text not null,
    loop_id uuid,
    step_id text not null default '',
    whom text collate "C" not null default '',
    by text not null default '',
    says text not null check (says <> ''),
    told timestamptz,
    primary key (tenant_id, id)
);
create index notice_event_new on notice_event (tenant_id, id) where told is null;
create index notice_event_of_thing on notice_event (tenant_id, thing, id);
select make_tenant_table('notice_event');
comment on column notice_event.thing is 'what changed: Loop/<id>, Loop/<id>/<step>, Encounter/<id>';
comment on column notice_event.whom is 'whom the change itself names: the new owner, who is asked, who is next; else empty';

-- What one person is told: one for each card and kind while they have not seen it. `way` as it was chosen then.
create table notice (
    tenant_id int not null,
    id uuid not null,
    person text collate "C" not null check (person ~ '^Practitioner/.'),
    card text collate "C" not null,
    kind text collate "C" not null,
    patient_id text collate "C" not null,
    loop_id uuid,
    step_id text not null default '',
    safety boolean not null,
    way text not null check (way in ('now', 'product', 'digest', 'off')),
    first timestamptz not null,
    last timestamptz not null,
    mailed timestamptz,
    seen timestamptz,
    opened timestamptz,
    primary key (tenant_id, id),
    constraint notice_safety_is_told_now check (not safety or way = 'now'),
    constraint notice_opened_was_seen check (opened is null or seen is not null)
);
create unique index notice_unseen on notice (tenant_id, person, card, kind) where seen is null;
create index notice_of_person on notice (tenant_id, person, last);
create index notice_to_mail on notice (tenant_id, person) where mailed is null and seen is null and way in ('now', 'digest');
create index notice_of_patient on notice (tenant_id, patient_id);
select make_tenant_table('notice');

-- Every change that a notice stands for: folding forgets nothing.
create table notice_change (
    tenant_id int not null,
    notice_id uuid not null,
    event_id bigint not null,
    primary key (tenant_id, notice_id, event_id),
    foreign key (tenant_id, notice_id) references notice (tenant_id, id),
    foreign key (tenant_id, event_id) references notice_event (tenant_id, id)
);
select make_tenant_table('notice_change');

-- By which way a person wants a kind; what is not here is as the content says. `turned_down` from the weekly page.
create table notice_choice (
    tenant_id int not null,
    person text collate "C" not null,
    kind text collate "C" not null,
    way text not null check (way in ('now', 'product', 'digest', 'off')),
    chosen timestamptz not null,
    primary key (tenant_id, person, kind)
);
select make_tenant_table('notice_choice');

-- Where and when a person is written to. `failed`: why mail to the address came back.
create table notice_person (
    tenant_id int not null,
    person text collate "C" not null,
    address text not null default '',
    digest_at time not null default '07:30',
    quiet_from time not null default '19:00',
    quiet_until time not null default '07:00',
    last_mail timestamptz,
    last_digest date,
    failed text not null default '',
    primary key (tenant_id, person)
);
select make_tenant_table('notice_person');

-- Who is on call when. Where nobody is, the lead of the queue is.
create table on_call (
    tenant_id int not null,
    id uuid not null,
    person text collate "C" not null check (person ~ '^Practitioner/.'),
    starts timestamptz not null,
    ends timestamptz not null,
    added_by text not null,
    primary key (tenant_id, id),
    check (starts < ends)
);
create index on_call_by_end on on_call (tenant_id, ends);
select make_tenant_table('on_call');
