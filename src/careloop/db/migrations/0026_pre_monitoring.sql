-- Readings from home as rules see them, and what stands about them. All of it follows from the record (Observation,
-- EpisodeOfCare, DeviceRequest, Task) and can be made again from it.

-- Who is watched. `wake_at`: when to look again though nothing comes.
create table home_plan (
    tenant_id int not null,
    patient_id text collate "C" not null,
    episode text collate "C" not null,
    status text not null check (status in ('active', 'onhold', 'finished')),
    since timestamptz not null,
    until timestamptz,
    plan jsonb not null,
    last_measured timestamptz,
    wake_at timestamptz,
    primary key (tenant_id, patient_id)
);
select make_tenant_table('home_plan');
create index home_plan_wake on home_plan (tenant_id, wake_at) where wake_at is not null;

-- One value of one metric. `value` is in the unit that rules compare in, `given` as it came. `findings`: what it breaches.
create table home_reading (
    tenant_id int not null,
    patient_id text collate "C" not null,
    id text collate "C" not null,
    observation text collate "C" not null,
    metric text collate "C" not null,
    value numeric,
    measured timestamptz not null,
    received timestamptz not null,
    device text not null default '',
    live boolean not null default false,
    fasting boolean not null default false,
    automatic boolean not null default true,
    given text not null default '',
    symptoms text[] not null default '{}',
    state text not null check (state in ('valid', 'duplicate', 'quarantined', 'error')),
    clock boolean not null default false,
    late boolean not null default false,
    waits_until timestamptz,
    findings jsonb,
    primary key (tenant_id, patient_id, id)
);
select make_tenant_table('home_reading');
create index home_reading_series on home_reading (tenant_id, patient_id, metric, measured);
create index home_reading_findings on home_reading (tenant_id, patient_id) where findings is not null;
create index home_reading_waits on home_reading (tenant_id, waits_until) where waits_until is not null;
create index home_reading_observation on home_reading (tenant_id, observation);

-- Each alert that ever stood; the work on it is the loop about `DetectedIssue/<id>`.
create table home_alert (
    tenant_id int not null,
    id text collate "C" not null,
    patient_id text collate "C" not null,
    alert text collate "C" not null,
    number int not null,
    tier text not null check (tier in ('red', 'yellow', 'grey')),
    late boolean not null,
    state text not null check (state in ('open', 'closed', 'settled', 'withdrawn')),
    opened timestamptz not null,
    since timestamptz not null,
    ended timestamptz,
    says text not null,
    readings text[] not null,
    row_ids text[] not null,
    action text not null default '',
    acted timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, patient_id, alert, number),
    check ((state = 'open') = (ended is null))
);
select make_tenant_table('home_alert');
create index home_alert_open on home_alert (tenant_id, since) where state = 'open';
create index home_alert_opened on home_alert (tenant_id, opened);

-- How far the change feed was read for home readings (as contradiction_reading, migration 0013).
create table home_feed (
    tenant_id int not null references tenant (id),
    reached bigint not null,
    ahead bigint not null,
    ahead_before bigint not null,
    primary key (tenant_id)
);
select make_tenant_table('home_feed');
