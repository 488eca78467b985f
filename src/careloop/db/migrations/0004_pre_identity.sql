-- Who is this? Numbers that name a person, keys under which likenesses are looked for, pairs that a person must
-- decide, merges and how to take them back.

-- One number names one person: the constraint that makes "find or make" safe in a race.
create table patient_identifier (
    tenant_id int not null references tenant (id),
    system text collate "C" not null,
    value text collate "C" not null check (value <> '' and length(value) <= 200),
    patient_id text collate "C" not null,
    skeleton text collate "C" not null,
    on_resource boolean not null default false,
    prior_id text collate "C",
    recorded timestamptz not null,
    primary key (tenant_id, system, value)
);
select make_tenant_table('patient_identifier');
create index patient_identifier_patient on patient_identifier (tenant_id, patient_id);
create index patient_identifier_skeleton on patient_identifier (tenant_id, system, skeleton);
comment on column patient_identifier.on_resource is 'the number stands on the Patient resource; leaves with it';
comment on column patient_identifier.prior_id is 'the merged-away patient that this number named first';

-- What a patient looks like, folded for comparison, so that no resource is read to compare two.
create table patient_features (
    tenant_id int not null references tenant (id),
    patient_id text collate "C" not null,
    features jsonb not null,
    primary key (tenant_id, patient_id)
);
select make_tenant_table('patient_features');

create table patient_key (
    tenant_id int not null references tenant (id),
    key bigint not null,
    patient_id text collate "C" not null,
    primary key (tenant_id, key, patient_id)
);
select make_tenant_table('patient_key');
create index patient_key_patient on patient_key (tenant_id, patient_id);

-- The review queue: one row for one pair, for ever. `announced` is the state that the pair's Task shows.
create table person_match (
    tenant_id int not null references tenant (id),
    id text collate "C" not null,
    step_task_id text collate "C" not null,
    left_id text collate "C" not null,
    right_id text collate "C" not null,
    reason text not null check (reason in ('demographics', 'identifier-conflict', 'look-alike', 'prior-appeared')),
    points numeric not null,
    grade text not null,
    state text not null default 'open' check (state in ('open', 'asking', 'same', 'different', 'withdrawn')),
    opened timestamptz not null,
    due timestamptz not null,
    decided timestamptz,
    decided_by text,
    why text,
    merge_id text collate "C",
    announced text,
    asking text,
    decided_points numeric,
    primary key (tenant_id, id),
    unique (tenant_id, left_id, right_id),
    check (left_id < right_id),
    check ((state in ('same', 'different')) = (decided is not null and decided_by is not null and why is not null))
);
select make_tenant_table('person_match');
create index person_match_open on person_match (tenant_id, due, id) where state in ('open', 'asking');
comment on column person_match.asking is 'what somebody has to find out before it can be decided';
comment on column person_match.decided_points is 'the evidence that a decision rested on; empty: never ask again';
create unique index person_match_step on person_match (tenant_id, step_task_id);
create index person_match_right on person_match (tenant_id, right_id);
create index person_match_unannounced on person_match (tenant_id) where announced is distinct from state;

-- One merge of two patients. `named_survivor_id` is whom the message named; `survivor_id` where that patient's own
-- merges lead. A merge that was taken back stays as history.
create table patient_merge (
    tenant_id int not null references tenant (id),
    id text collate "C" not null,
    prior_id text collate "C" not null,
    survivor_id text collate "C" not null,
    named_survivor_id text collate "C" not null,
    source text not null,
    merged timestamptz not null,
    merged_by text not null,
    prior_was_active boolean,
    undone timestamptz,
    undone_by text,
    primary key (tenant_id, id),
    check (prior_id <> survivor_id and prior_id <> named_survivor_id),
    check ((undone is null) = (undone_by is null))
);
select make_tenant_table('patient_merge');
-- A patient is merged away at most once at a time.
create unique index patient_merge_standing on patient_merge (tenant_id, prior_id) where undone is null;
create index patient_merge_survivor on patient_merge (tenant_id, survivor_id) where undone is null;

-- Every resource that a merge moved. `paths` only where the resource named both patients before: else all mentions
-- of the survivor were mentions of the prior patient.
create table patient_merge_moved (
    tenant_id int not null references tenant (id),
    merge_id text collate "C" not null,
    resource_type text collate "C" not null,
    resource_id text collate "C" not null,
    version int not null,
    original text not null,
    paths text[],
    primary key (tenant_id, merge_id, resource_type, resource_id)
);
select make_tenant_table('patient_merge_moved');

-- A merge that named a number nobody has used yet: it holds from now on, and a person can see it.
create table pending_merge (
    tenant_id int not null references tenant (id),
    system text collate "C" not null,
    value text collate "C" not null,
    prior_id text collate "C" not null,
    survivor_id text collate "C" not null,
    source text not null,
    recorded timestamptz not null,
    appeared timestamptz,
    primary key (tenant_id, system, value)
);
select make_tenant_table('pending_merge');
create index pending_merge_waiting on pending_merge (tenant_id, recorded) where appeared is null;
