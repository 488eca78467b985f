-- A practice's own rules: versions of pathways and of the order of work, made in the product. What was once published
-- never changes and is never gone: loops that opened under it keep it.

-- Raised by every change of what holds, so that every process knows at no cost when its copy is old: the tenant is read
-- with each piece of work anyway.
alter table tenant add column rules_revision int not null default 0;

-- The document is kept as it was written (json, not jsonb): the order of its keys is the order in which it is read out.
create table rule_version (
    tenant_id int not null,
    id uuid not null,
    kind text not null check (kind in ('pathways', 'worklist')),
    name text not null,
    number int not null check (number > 0),
    status text not null check (status in ('draft', 'in-review', 'published', 'retired', 'discarded')),
    document json not null,
    digest text not null,
    base_digest text not null,
    edition int not null default 1,
    authors text[] not null check (cardinality(authors) > 0),
    author_name text not null,
    reviewer text,
    reviewer_name text,
    note text not null,
    created timestamptz not null,
    changed timestamptz not null,
    published timestamptz,
    effective timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, kind, name, number),
    constraint rule_reviewed_by_another check (reviewer is null or reviewer <> all (authors)),
    constraint rule_published_was_reviewed check (status not in ('published', 'retired')
        or (reviewer is not null and published is not null and effective is not null))
);
create unique index rule_one_draft on rule_version (tenant_id, kind, name) where status in ('draft', 'in-review');
create unique index rule_one_published on rule_version (tenant_id, kind, name) where status = 'published';
select make_tenant_table('rule_version');
revoke delete on rule_version from careloop_app;

create function keep_rule_version() returns trigger language plpgsql as $$
begin
    if old.status <> 'draft' and (new.document::text, new.digest, new.number, new.kind, new.name, new.authors)
        is distinct from (old.document::text, old.digest, old.number, old.kind, old.name, old.authors) then
        raise exception 'a rule that is no draft any more does not change' using errcode = 'check_violation';
    end if;
    if old.published is not null and new.published is distinct from old.published then
        raise exception 'a rule is published for the first time once' using errcode = 'check_violation';
    end if;
    return new;
end
$$;
create trigger keep_rule_version before update on rule_version for each row execute function keep_rule_version();

-- Who did what to a rule, and why. Never changed.
create table rule_event (
    tenant_id int not null,
    id bigint generated always as identity,
    kind text not null,
    name text not null,
    version_id uuid,
    what text not null check (what in ('made', 'changed', 'rehearsed', 'sent', 'returned', 'published', 'republished',
                                       'product', 'discarded')),
    at timestamptz not null,
    by text not null,
    by_name text not null,
    why text not null default '',
    primary key (tenant_id, id),
    foreign key (tenant_id, version_id) references rule_version (tenant_id, id),
    constraint rule_event_back_says_why check (what not in ('returned', 'republished', 'product') or why <> '')
);
create index rule_event_of_rule on rule_event (tenant_id, kind, name, id);
select make_tenant_table('rule_event');
revoke update, delete on rule_event from careloop_app;

-- What a draft would have done in the last days: worked out by the worker, kept with the draft.
create table rule_rehearsal (
    tenant_id int not null,
    id uuid not null,
    version_id uuid not null,
    edition int not null,
    days int not null check (days between 1 and 366),
    status text not null check (status in ('waiting', 'running', 'done', 'failed')),
    asked timestamptz not null,
    asked_by text not null,
    asked_by_name text not null,
    beat timestamptz,
    attempts int not null default 0,
    done int not null default 0,
    total int,
    finished timestamptz,
    report jsonb,
    fault text,
    primary key (tenant_id, id),
    foreign key (tenant_id, version_id) references rule_version (tenant_id, id),
    check ((status = 'done') = (report is not null))
);
create index rule_rehearsal_of_version on rule_rehearsal (tenant_id, version_id, asked);
create unique index rule_rehearsal_one_at_a_time on rule_rehearsal (tenant_id, version_id)
    where status in ('waiting', 'running');
select make_tenant_table('rule_rehearsal');
revoke delete on rule_rehearsal from careloop_app;
