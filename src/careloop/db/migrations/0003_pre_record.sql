-- The longitudinal record: current versions, superseded versions, the search index, the change feed.
--
-- The index lives in narrow tables with plain btrees, because under row-level security only leak-proof operators may
-- drive an index (those of bigint, text, float8 and timestamptz are; array containment and ranges are not), and because
-- a page of a long result then costs as much as the page (docs/decisions/0020-search-index.md).

-- Keys are handed out in blocks of 1,000 to each process; a key says nothing but who came about when.
create sequence resource_key increment by 1000 start 1000;

create table resource (
    key bigint not null,
    last_updated timestamptz not null,
    digest bigint not null,
    self bigint not null,
    tenant_id int not null,
    version int not null check (version > 0),
    deleted boolean not null default false,
    type text collate "C" not null,
    id text collate "C" not null check (length(id) between 1 and 64),
    patient_id text collate "C",
    tokens bigint[] not null default '{}',
    present bigint[] not null default '{}',
    refs text[] collate "C" not null default '{}',
    body text,
    primary key (tenant_id, key),
    unique (tenant_id, type, id),
    check (deleted = (body is null))
) with (toast_tuple_target = 4080, autovacuum_vacuum_insert_scale_factor = 0.05);
select make_tenant_table('resource');
alter table resource alter column body set storage external;
create index resource_listed on resource (tenant_id, type, key) where not deleted;
create index resource_updated on resource (tenant_id, type, last_updated);
create index resource_patient on resource (tenant_id, patient_id, type) where patient_id is not null;
comment on column resource.digest is 'hash of the content without meta.versionId and meta.lastUpdated';
comment on column resource.self is 'hash of type/id: the XOR of it and a reference field is the token of a reference here';
comment on column resource.refs is 'the type/id that this version refers to; which parameter does, the tokens say';
comment on column resource.tokens is 'what stands in resource_token for this resource';
comment on column resource.present is 'tokens that say which parameters have a value; for :missing';
comment on column resource.body is 'the exact text that a read answers with';

-- Superseded versions, moved here by the write that superseded them.
create table resource_history (
    key bigint not null,
    last_updated timestamptz not null,
    tenant_id int not null,
    version int not null,
    deleted boolean not null,
    patient_id text collate "C",
    body text,
    primary key (tenant_id, key, version)
);
select make_tenant_table('resource_history');
alter table resource_history alter column body set storage external;

-- One row for each code, identifier, reference, flag. The token is a hash of tenant, type, parameter and value.
create table resource_token (
    token bigint not null,
    key bigint not null,
    tenant_id int not null,
    primary key (tenant_id, token, key)
) with (autovacuum_vacuum_insert_scale_factor = 0.05);
select make_tenant_table('resource_token');
-- A few thousand tokens (a status, a common code) stand on most resources; plans depend on knowing which.
alter table resource_token alter column token set statistics 1000;
-- Measured: 205 k different ones among 2.9 M; a sample guesses a fifth of that.
alter table resource_token alter column token set (n_distinct = -0.07);

-- One row for each date: half-open [low, high). `field` is the token hash of tenant, type and parameter.
-- shape 0: the field's only date, at most 31 days long. 1: the only date, longer. 2: one of several.
create table resource_date (
    field bigint not null,
    low timestamptz not null,
    high timestamptz not null,
    key bigint not null,
    tenant_id int not null,
    shape smallint not null check (shape between 0 and 2),
    check (low <= high)
);
select make_tenant_table('resource_date');
create index resource_date_low on resource_date (tenant_id, field, shape, low, high, key);
create index resource_date_key on resource_date (tenant_id, key);

-- One row for each text, folded (no case, no accents).
create table resource_string (
    field bigint not null,
    key bigint not null,
    tenant_id int not null,
    value text collate "C" not null
);
select make_tenant_table('resource_string');
create index resource_string_value on resource_string (tenant_id, field, value, key);
create index resource_string_key on resource_string (tenant_id, key);

-- One row for each number and quantity. The value is for finding; the exact decimal is in the body. What is measured in
-- UCUM units stands in base units too: `dimension` is the hash of field and base unit, `base` the value.
create table resource_quantity (
    field bigint not null,
    value double precision not null,
    key bigint not null,
    tenant_id int not null,
    dimension bigint,
    base double precision,
    unit text collate "C",
    check ((dimension is null) = (base is null))
);
select make_tenant_table('resource_quantity');
create index resource_quantity_value on resource_quantity (tenant_id, field, value, key);
create index resource_quantity_base on resource_quantity (tenant_id, dimension, base, key) where dimension is not null;
create index resource_quantity_key on resource_quantity (tenant_id, key);

-- Which texts lead to which tokens: the words of codes (`:text`), addresses (`:below`). One row for each different text,
-- whatever the number of resources; two at once may write the same one twice, which does no harm.
create table resource_word (
    field bigint not null,
    token bigint not null,
    tenant_id int not null,
    value text collate "C" not null
);
select make_tenant_table('resource_word');
create index resource_word_value on resource_word (tenant_id, field, value, token);

-- Which search parameters the index of the tenant holds in full, and how far the indexing of others has come.
create table search_index (
    tenant_id int not null primary key,
    parameters jsonb not null,
    fingerprint text not null,
    target text,
    reached_type text collate "C" not null default '',
    reached_key bigint not null default -1
);
select make_tenant_table('search_index');
comment on column search_index.parameters is 'Base.code: hash of the definition by which all resources are indexed';
comment on column search_index.fingerprint is 'hash of all of these';
comment on column search_index.target is 'fingerprint of the definitions of the run that is under way';

-- Every write, in the transaction that wrote. Handling an entry twice changes nothing.
create table change_feed (
    seq bigint not null generated always as identity,
    key bigint not null,
    at timestamptz not null,
    tenant_id int not null,
    version int not null,
    change text not null check (change in ('created', 'updated', 'deleted')),
    type text collate "C" not null,
    id text collate "C" not null,
    patient_id text collate "C",
    primary key (tenant_id, seq)
);
select make_tenant_table('change_feed');
-- The history of one type costs what it shows, however much else was written.
create index change_feed_type on change_feed (tenant_id, type, seq);
