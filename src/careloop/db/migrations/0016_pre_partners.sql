-- Partners without accounts: one-use links, codes on paper, and the documents that come back.

-- Which tenant a code belongs to, asked before the tenant is known. Holds keyed hashes only.
create table partner_code (
    hash bytea primary key,
    belongs_to int not null
);
grant select, insert, delete on partner_code to careloop_app;

-- Numbers of sheets that belong to no loop yet.
create sequence sheet_number start 1001;

-- A link that one partner may answer by once. The secret and the letters of the paper code are made of the id and the
-- installation's key; only their keyed hashes are here.
create table partner_link (
    tenant_id int not null,
    id uuid not null,
    hash bytea not null,
    sheet_hash bytea not null,
    sheet_number text not null,
    purpose text not null check (purpose in ('specialist', 'community', 'facility', 'caregiver', 'assessment', 'medicines', 'education', 'check-in')),
    patient_id text not null,
    request text not null,
    task text,
    partner text not null check (partner <> ''),
    partner_reference text,
    asks text not null default '',
    expects text,
    created timestamptz not null,
    created_by text not null,
    expires timestamptz not null,
    attempts int not null default 0,
    used timestamptz,
    answer text,
    withdrawn timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, hash),
    unique (tenant_id, sheet_hash),
    check ((used is null) = (answer is null)),
    check (expires > created)
);
select make_tenant_table('partner_link');
create index partner_link_of_request on partner_link (tenant_id, request);
create index partner_link_of_patient on partner_link (tenant_id, patient_id);
comment on column partner_link.sheet_number is 'the part of the paper code that people say: L-1987';
comment on column partner_link.request is 'Type/id of what the partner is asked: ServiceRequest, Communication, Task';
comment on column partner_link.expects is 'the kind of document that would answer it: an id of content/documents';
comment on column partner_link.task is 'Type/id of the fulfilment Task that the answer moves';

-- Papers that came in: a file as it came, its pages in the order and turn that a person gave them.
create table paper (
    tenant_id int not null,
    id uuid not null,
    digest bytea not null,
    name text not null,
    content_type text not null,
    content bytea,
    came timestamptz not null,
    came_by text not null,
    source text not null,
    status text not null check (status in ('waiting', 'attached', 'set-aside')),
    late_at timestamptz not null,
    split_from uuid,
    pages jsonb not null,
    said text not null default '',
    patient_id text,
    document text,
    kind text,
    matter text,
    settled timestamptz,
    settled_by text,
    how text,
    why text,
    glanced timestamptz,
    glanced_by text,
    primary key (tenant_id, id),
    check ((status = 'waiting') = (settled is null)),
    check (status <> 'attached' or (patient_id is not null and document is not null and how is not null)),
    check (status <> 'set-aside' or why is not null)
);
alter table paper alter column content set storage external;
select make_tenant_table('paper');
create unique index paper_once on paper (tenant_id, digest) where split_from is null;
create index paper_waiting on paper (tenant_id, late_at) where status = 'waiting';
create index paper_settled on paper (tenant_id, settled) where settled is not null;
comment on column paper.pages is 'in reading order: {"page": place in the file, "turn": 0, 90, 180 or 270, "codes": sheet codes on it}';
comment on column paper.said is 'the text layer of its pages, where the file has one';
comment on column paper.split_from is 'the paper whose file this one shares';

-- The page images of a file, as they are shown: small, grey, made by us.
create table paper_page (
    tenant_id int not null,
    paper uuid not null,
    page int not null check (page >= 0),
    image bytea not null,
    primary key (tenant_id, paper, page),
    foreign key (tenant_id, paper) references paper (tenant_id, id)
);
alter table paper_page alter column image set storage external;
select make_tenant_table('paper_page');
