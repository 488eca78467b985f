-- When a member of staff looked at a person's chart: what the brief counts from. Looks that follow each other closely
-- are one look; `since` is the look before it, null on the first one.
create table chart_look (
    tenant_id int not null references tenant (id),
    who text collate "C" not null,
    patient_id text collate "C" not null,
    since timestamptz,
    looked timestamptz not null,
    primary key (tenant_id, who, patient_id),
    check (since is null or since <= looked)
);
select make_tenant_table('chart_look');
