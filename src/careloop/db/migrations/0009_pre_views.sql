-- Views of the record (SQL on FHIR) as tables that a tenant's tools can read with SQL.
-- Rows are kept as arrays in one private table; a generated SQL view gives them names and types (decision 0111).

create table published_view (
    tenant_id int not null,
    name text collate "C" not null check (name ~ '^[A-Za-z][A-Za-z0-9_]{0,62}$'),
    resource_type text not null,
    definition jsonb not null,
    row_count int not null,
    published timestamptz not null,
    primary key (tenant_id, name)
);
select make_tenant_table('published_view');

create table published_view_row (
    tenant_id int not null,
    view text collate "C" not null,
    number int not null,
    cells jsonb not null,
    primary key (tenant_id, view, number)
);
select make_tenant_table('published_view_row');

-- Makes (again) the SQL view views_<tenant>.<name> over the rows of the transaction's tenant. Only the owner may call it:
-- the app role makes nothing. Names are taken by pattern, types from a list. The view itself looks with the rights of
-- whoever reads it: row-level security holds behind it.
create function make_sql_view(name text, columns text[], kinds text[]) returns text
language plpgsql as $$
declare
    tenant int := nullif(current_setting('app.tenant', true), '')::int;
    schema text := 'views_' || tenant;
    expressions text := '';
begin
    if tenant is null or name !~ '^[A-Za-z][A-Za-z0-9_]{0,62}$' or cardinality(columns) <> cardinality(kinds)
       or exists (select from unnest(columns) as one where one !~ '^[A-Za-z][A-Za-z0-9_]{0,62}$')
       or exists (select from unnest(kinds) as one
                   where one not in ('text', 'boolean', 'integer', 'bigint', 'numeric', 'timestamptz', 'jsonb')) then
        raise exception 'not a view that can be made';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('sql views', tenant));
    select string_agg(
               case when kind = 'jsonb' then format('nullif(cells -> %s, ''null''::jsonb) as %I', place - 1, title)
                    else format('(cells ->> %s)::%s as %I', place - 1, kind, title) end, ', ' order by place)
      into expressions
      from unnest(columns, kinds) with ordinality as given (title, kind, place);
    execute format('create schema if not exists %I', schema);
    execute format('grant usage on schema %I to careloop_app', schema);
    execute format('drop view if exists %I.%I', schema, name);
    execute format('create view %I.%I with (security_invoker = true) as select %s from public.published_view_row'
                   ' where tenant_id = %s and view = %L', schema, name, expressions, tenant, name);
    execute format('grant select on %I.%I to careloop_app', schema, name);
    return schema || '.' || name;
end
$$;
revoke all on function make_sql_view(text, text[], text[]) from public;
