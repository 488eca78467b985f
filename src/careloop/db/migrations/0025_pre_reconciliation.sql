-- Reconciliations while people work on them, and holds of medicines that somebody must come back to.

-- One comparison of one patient. The facts that come of it are FHIR resources; this is what was chosen so far (ME-06).
create table reconciliation (
    tenant_id int not null references tenant (id),
    id text collate "C" not null,
    patient_id text collate "C" not null,
    matter text,
    opened timestamptz not null,
    opened_by text not null,
    kept boolean not null default false,
    decisions jsonb not null default '{}',
    judged jsonb not null default '{"same": [], "two": []}',
    revision int not null default 1,
    saved timestamptz not null,
    saved_by text not null,
    finished timestamptz,
    finished_by text,
    withdrawn timestamptz,
    primary key (tenant_id, id),
    check ((finished is null) = (finished_by is null)),
    check (withdrawn is null or finished is not null)
);
create unique index reconciliation_open on reconciliation (tenant_id, patient_id) where finished is null;
create index reconciliation_of_patient on reconciliation (tenant_id, patient_id, opened);
select make_tenant_table('reconciliation');
comment on column reconciliation.matter is 'Type/id of the resource that the loop is about: the Procedure names it in basedOn';

-- Medicines on hold. The day after `until` without a decision somebody is asked (ME-08).
create table medicine_hold (
    tenant_id int not null references tenant (id),
    statement text collate "C" not null,
    patient_id text collate "C" not null,
    reconciliation text collate "C" not null,
    name text not null,
    until date,
    condition text not null default '',
    asked timestamptz,
    over timestamptz,
    primary key (tenant_id, statement),
    check (until is not null or condition <> '')
);
create index medicine_hold_due on medicine_hold (tenant_id, until) where asked is null and over is null;
create index medicine_hold_of_patient on medicine_hold (tenant_id, patient_id) where over is null;
select make_tenant_table('medicine_hold');
