-- Bulk exports and imports: what was asked, how far it is, what came of it. The files lie in the data folder.

create table bulk_job (
    tenant_id int not null,
    id uuid not null,
    kind text not null check (kind in ('export', 'import')),
    asked_by text not null,
    asked_by_kind text not null,
    asked_by_name text not null,
    address text,
    request text not null,
    parameters jsonb not null,
    state text not null check (state in ('waiting', 'working', 'done', 'failed', 'cancelled')),
    progress bigint not null default 0,
    attempts int not null default 0,
    asked timestamptz not null,
    beat timestamptz,
    finished timestamptz,
    expires timestamptz,
    manifest jsonb,
    reason text not null default '',
    primary key (tenant_id, id),
    constraint failed_says_why check (state <> 'failed' or reason <> '')
);
select make_tenant_table('bulk_job');
create index bulk_job_to_do on bulk_job (tenant_id, asked) where state in ('waiting', 'working');
create index bulk_job_over on bulk_job (tenant_id, expires) where expires is not null;
