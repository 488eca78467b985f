-- Check-ins: each time that a patient is asked how they are (CommunicationRequest), what they said (QuestionnaireResponse),
-- and who of the staff has read it. Follows from the record but for `read_by`, which is an act of a person.
create table check_in (
    tenant_id int not null,
    id text collate "C" not null,
    patient_id text collate "C" not null,
    asked timestamptz not null,
    closes timestamptz not null,
    medium text not null,
    sent boolean not null,
    reminded timestamptz,
    answered timestamptz,
    response text collate "C",
    level int check (level between 0 and 3),
    symptoms text[] not null default '{}',
    said jsonb not null default '[]',
    complete boolean not null default false,
    touched timestamptz,
    state text not null check (state in ('open', 'answered', 'missed', 'not-asked', 'withdrawn')),
    read_by text,
    read_at timestamptz,
    primary key (tenant_id, id),
    check ((read_by is null) = (read_at is null))
);
select make_tenant_table('check_in');
create index check_in_of_patient on check_in (tenant_id, patient_id, asked desc);
comment on column check_in.id is 'the CommunicationRequest that asks';
comment on column check_in.sent is 'it leaves by itself: silence is the patient''s, not ours';
comment on column check_in.said is 'question and answer in words, in the order in which they were asked';
comment on column check_in.touched is 'when the answers were last added to';

-- When to look at somebody's check-ins again.
create table check_in_clock (
    tenant_id int not null,
    patient_id text collate "C" not null,
    wake_at timestamptz not null,
    primary key (tenant_id, patient_id)
);
select make_tenant_table('check_in_clock');
create index check_in_clock_wake on check_in_clock (tenant_id, wake_at);
