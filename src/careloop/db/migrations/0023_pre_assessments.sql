-- Assessments: when to ask again, and which part of a check-in somebody answers by a link.

-- The next time that an instrument is due for a patient (AS-10). One row for each; a newer score moves it. `asked` is
-- the Task by which it was asked for, once its day came.
create table assessment_due (
    tenant_id int not null,
    patient_id text not null,
    instrument text not null,
    last_at timestamptz not null,
    due timestamptz not null,
    rule text not null,
    says text not null,
    asked text,
    primary key (tenant_id, patient_id, instrument),
    check (due > last_at)
);
select make_tenant_table('assessment_due');
create index assessment_due_open on assessment_due (tenant_id, due) where asked is null;

-- A part of a check-in that a patient or caregiver answers by a one-use link (partner_link, purpose assessment).
create table assessment_share (
    tenant_id int not null,
    link_id uuid not null,
    response_id text not null,
    who text not null check (who in ('patient', 'caregiver')),
    sections text[] not null,
    primary key (tenant_id, link_id)
);
select make_tenant_table('assessment_share');
create index assessment_share_of_response on assessment_share (tenant_id, response_id);
comment on column assessment_share.sections is 'ids of the sections given to them; none: all that they may answer';
