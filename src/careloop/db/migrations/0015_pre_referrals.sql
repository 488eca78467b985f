-- Where each referral is, as the record says it: kept in step with every write that belongs to one, so that the board
-- and the record of a clinic are read from an index. Derived; `flows.referral_rows` makes it again from the record.
create table referral (
    tenant_id int not null references tenant (id),
    request_id text collate "C" not null,
    task_id text collate "C",
    patient_id text collate "C" not null,
    clinic text collate "C" not null,
    clinic_name text not null,
    service text not null,
    payer text not null,
    language text not null,
    priority text not null,
    state text not null,
    board text,
    is_open boolean not null,
    since timestamptz,
    due timestamptz,
    due_because text not null,
    clock_start date,
    see_by date,
    sent timestamptz,
    answered timestamptz,
    scheduled timestamptz,
    visit_on timestamptz,
    seen timestamptz,
    reported timestamptz,
    reviewed timestamptz,
    ended timestamptz,
    no_shows int not null,
    silent int not null,
    reminded timestamptz,
    primary key (tenant_id, request_id),
    check (is_open = (ended is null))
);
select make_tenant_table('referral');
create index referral_of_patient on referral (tenant_id, patient_id);
create index referral_of_task on referral (tenant_id, task_id) where task_id is not null;
create index referral_of_clinic on referral (tenant_id, clinic);
create index referral_on_board on referral (tenant_id, board, due) where board is not null;
