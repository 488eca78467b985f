-- What the safety tables say about the medicines of a person: one row for one matter (the same ingredients), for ever.
-- `overridden`: a person gave a reason; it holds until `fingerprint` changes (ME-09). `resolved`: it is not true any more.
create table medicine_finding (
    tenant_id int not null references tenant (id),
    id text collate "C" not null,
    patient_id text collate "C" not null,
    kind text not null check (kind in ('finding', 'not-checked')),
    tier text not null check (tier in ('contraindicated', 'major', 'moderate', 'low')),
    rules text[] collate "C" not null,
    state text not null check (state in ('open', 'overridden', 'resolved')),
    fingerprint text not null,
    refs text[] collate "C" not null,
    body jsonb not null,
    fired timestamptz not null,
    ended timestamptz,
    decided_by text,
    why text,
    acted boolean not null default false,
    primary key (tenant_id, id),
    check ((state = 'overridden') = (decided_by is not null and why is not null)),
    check ((state = 'resolved') = (ended is not null))
);
select make_tenant_table('medicine_finding');
create index medicine_finding_patient on medicine_finding (tenant_id, patient_id);
comment on column medicine_finding.acted is 'a medicine was stopped, changed or held after the finding: it was actionable';

-- Whose medicines were checked, how many were taken then and how many items could not be checked. `look_on`: the day on
-- which time alone may change the answer (a course ends, a washout is over, a lab grows old, supply has ended).
create table medicine_checked (
    tenant_id int not null references tenant (id),
    patient_id text collate "C" not null,
    medicines int not null,
    not_checked int not null,
    at timestamptz not null,
    look_on date,
    primary key (tenant_id, patient_id)
);
select make_tenant_table('medicine_checked');
create index medicine_checked_look on medicine_checked (tenant_id, look_on) where look_on is not null;

-- How far the change feed was read for medicines; as for contradictions.
create table medicine_reading (
    tenant_id int not null references tenant (id),
    reached bigint not null,
    ahead bigint not null,
    ahead_before bigint not null,
    primary key (tenant_id)
);
select make_tenant_table('medicine_reading');
