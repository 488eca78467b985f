-- The day by which each shared plan must be looked at again; `told` when work was opened for that day; `seen` says which
-- plans and goals of the patient, in which versions, it was held against last.
create table care_plan_review (
    tenant_id int not null references tenant (id),
    plan_id text collate "C" not null,
    patient_id text collate "C" not null,
    due date,
    told boolean not null default false,
    seen text collate "C" not null default '',
    primary key (tenant_id, plan_id)
);
create index care_plan_review_due on care_plan_review (tenant_id, due) where not told;
select make_tenant_table('care_plan_review');
