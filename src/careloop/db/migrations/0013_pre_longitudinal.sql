-- What sources say that cannot both be right: one row for one matter of one person, for ever. A settled one stays so
-- until one of its facts changes (`fingerprint`).
create table contradiction (
    tenant_id int not null references tenant (id),
    id text collate "C" not null,
    patient_id text collate "C" not null,
    rule text collate "C" not null,
    matter text not null,
    severity text not null check (severity in ('high', 'middle', 'low')),
    owner text collate "C" not null,
    state text not null check (state in ('open', 'settled', 'withdrawn')),
    fingerprint text not null,
    sides jsonb not null,
    refs text[] collate "C" not null,
    opened timestamptz not null,
    due timestamptz not null,
    ended timestamptz,
    decision text,
    decided_by text,
    why text,
    primary key (tenant_id, id),
    check ((state = 'settled') = (decision is not null and decided_by is not null and why is not null)),
    check ((state = 'open') = (ended is null))
);
select make_tenant_table('contradiction');
create index contradiction_patient on contradiction (tenant_id, patient_id);
create index contradiction_open on contradiction (tenant_id, due, id) where state = 'open';

-- How far the change feed was read for contradictions. Numbers of the feed are handed out before they can be seen:
-- what lies up to `ahead` is read when every transaction older than `ahead_before` has ended.
create table contradiction_reading (
    tenant_id int not null references tenant (id),
    reached bigint not null,
    ahead bigint not null,
    ahead_before bigint not null,
    primary key (tenant_id)
);
select make_tenant_table('contradiction_reading');
