-- The house: who lives here, and the function that makes a table private to its tenant.
-- Runs as the owner role; the role careloop_app exists already (the migration runner makes it).

create table tenant (
    id int primary key generated always as identity,
    slug text not null unique check (slug ~ '^[a-z][a-z0-9-]{1,40}$'),
    name text not null,
    zone text not null,
    production boolean not null default false,
    settings jsonb not null default '{}',
    created timestamptz not null
);
grant select, insert, update on tenant to careloop_app;

-- One row: facts about this installation that every process must agree on.
create table instance (
    only_row boolean primary key default true check (only_row),
    clock_offset_seconds double precision not null default 0,
    created timestamptz not null default now()
);
insert into instance default values;
grant select, update on instance to careloop_app;

-- Each process of a running server says from time to time that it is at work.
create table process (
    name text primary key,
    pid int not null,
    seen timestamptz not null
);
grant select, insert, update, delete on process to careloop_app;

-- Makes a table private: tenant_id is filled from the transaction's tenant, and rows of other tenants do not exist.
-- The table must have a column tenant_id int not null.
create function make_tenant_table(name regclass) returns void language plpgsql as $$
begin
    execute format('alter table %s alter column tenant_id set default nullif(current_setting(''app.tenant'', true), '''')::int', name);
    execute format('alter table %s enable row level security', name);
    execute format('alter table %s force row level security', name);
    execute format(
        'create policy tenant_only on %s using (tenant_id = (select nullif(current_setting(''app.tenant'', true), '''')::int))'
        ' with check (tenant_id = (select nullif(current_setting(''app.tenant'', true), '''')::int))', name);
    execute format('grant select, insert, update, delete on %s to careloop_app', name);
end
$$;
alter default privileges grant usage, select on sequences to careloop_app;
