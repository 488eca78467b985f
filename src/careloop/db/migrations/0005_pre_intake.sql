-- Intake: the doors that senders speak to, everything that ever arrived, and the events of stays.

create table feed (
    tenant_id int not null,
    id int generated always as identity,
    kind text not null check (kind in ('hl7v2')),
    name text not null,
    host text not null default '127.0.0.1',
    port int not null check (port between 1 and 65535),
    zone text not null,
    -- {"authorities": {}, "classes": {}, "patient_types": {}, "dispositions": {}, "codes": {}, "quirks": []}: a site's
    -- codes in our words, its sender's habits
    maps jsonb not null default '{}',
    senders text[] not null default '{}',
    enabled boolean not null default true,
    version int not null default 1,
    created timestamptz not null,
    primary key (tenant_id, id)
);
select make_tenant_table('feed');
create unique index feed_port on feed (port) where enabled;

-- What a feed's settings were, and who left them so: nothing is lost by a change.
create table feed_version (
    tenant_id int not null,
    feed_id int not null,
    version int not null,
    at timestamptz not null,
    by_whom text not null,
    by_name text not null default '',
    what text not null,
    settings jsonb not null,
    primary key (tenant_id, feed_id, version)
);
select make_tenant_table('feed_version');

create table inbox (
    tenant_id int not null,
    id bigint generated always as identity,
    kind text not null check (kind in ('hl7v2', 'frame', 'file')),
    origin text not null check (origin in ('feed', 'file')),
    source text not null default '',
    feed_id int,
    sending_application text not null default '',
    sending_facility text not null default '',
    control_id text not null default '',
    digest bytea not null,
    raw bytea not null,
    corrected bytea,
    corrected_by text,
    corrected_at timestamptz,
    received timestamptz not null,
    lane smallint not null,
    counts boolean not null,
    answer text not null check (answer in ('AA', 'AE', 'AR')),
    status text not null check (status in ('received', 'processed', 'dead', 'discarded')),
    stage text not null default '',
    at text not null default '',
    reason text not null default '',
    attempts int not null default 0,
    next_attempt timestamptz not null,
    finished timestamptz,
    result jsonb,
    primary key (tenant_id, id),
    constraint dead_letters_say_why check (status <> 'dead' or reason <> ''),
    constraint discarded_say_why check (status <> 'discarded' or reason <> '')
);
select make_tenant_table('inbox');
-- A control id is used once by a sender (TR-04); files are history, not a conversation: there the content counts.
create unique index inbox_control_id on inbox (tenant_id, sending_application, sending_facility, control_id)
    where origin = 'feed' and counts;
create unique index inbox_content on inbox (tenant_id, digest) where origin = 'file' and counts;
create index inbox_waiting on inbox (tenant_id, id) where status = 'received';
create index inbox_dead on inbox (tenant_id, id) where status = 'dead';
create index inbox_by_feed on inbox (tenant_id, feed_id, received) where feed_id is not null;
create index inbox_by_control_id on inbox (tenant_id, control_id);
create index inbox_ahead on inbox (tenant_id, next_attempt) where status = 'dead' and stage = 'ahead';

create table stay_event (
    tenant_id int not null,
    id bigint generated always as identity,
    encounter_id text not null,
    code text not null,
    effect text not null,
    event_time timestamptz not null,
    recorded timestamptz not null,
    received timestamptz not null,
    patient_id text not null,
    prior_patient_id text,
    content jsonb not null,
    digest bytea not null,
    inbox_id bigint not null,
    unmatched boolean not null default false,
    raised timestamptz,
    primary key (tenant_id, id)
);
select make_tenant_table('stay_event');
create unique index stay_event_once on stay_event (tenant_id, encounter_id, code, event_time, digest);
create index stay_event_patient on stay_event (tenant_id, patient_id);
create index stay_event_unmatched on stay_event (tenant_id, received) where unmatched and raised is null;

-- When each element of a person was last said, so that older facts never overwrite newer ones (security.md §1).
create table person_fact (
    tenant_id int not null,
    patient_id text not null,
    told jsonb not null,
    primary key (tenant_id, patient_id)
);
select make_tenant_table('person_fact');
