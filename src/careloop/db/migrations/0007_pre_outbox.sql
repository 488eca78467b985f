-- What leaves the house: deliveries in order, subscriptions and their events, feeds of other systems.

-- Hosts that an administrator lets this tenant's requests go to.
create table allowed_host (
    tenant_id int not null,
    host text not null check (host = lower(host) and host <> ''),
    added timestamptz not null,
    added_by text not null,
    primary key (tenant_id, host)
);
select make_tenant_table('allowed_host');

-- Whom deliveries go to. One worker at a time works for a target; after a failure nobody does until `not_before`.
create table delivery_target (
    tenant_id int not null,
    id text collate "C" not null,
    kind text not null check (kind in ('rest-hook', 'hl7v2', 'mail')),
    not_before timestamptz not null,
    failures int not null default 0,
    lease uuid,
    leased_until timestamptz,
    primary key (tenant_id, id),
    check ((lease is null) = (leased_until is null))
);
select make_tenant_table('delivery_target');
comment on column delivery_target.id is 'Subscription/<id>, Feed/<id>, or Mail/<reference> for a person';
comment on column delivery_target.leased_until is 'by the database clock: durations do not follow the product clock';

-- One row for each thing to be sent, in the order of `id` for each target and subject.
create table delivery (
    id bigint not null generated always as identity,
    tenant_id int not null,
    idempotency uuid not null,
    target text collate "C" not null,
    subject text collate "C" not null,
    about text not null,
    status text not null check (status in ('waiting', 'done', 'dead', 'withdrawn')),
    payload jsonb not null,
    body bytea,
    created timestamptz not null,
    gives_up timestamptz not null,
    due timestamptz not null,
    attempts int not null default 0,
    tried timestamptz,
    finished timestamptz,
    reason text not null default '',
    primary key (tenant_id, id),
    unique (tenant_id, idempotency),
    check ((status = 'waiting') = (finished is null)),
    constraint dead_says_why check (status <> 'dead' or reason <> '')
);
select make_tenant_table('delivery');
create index delivery_waiting on delivery (tenant_id, target, id) where status = 'waiting';
create index delivery_due on delivery (tenant_id, target, due) where status = 'waiting';
create index delivery_finished on delivery (tenant_id, finished) where finished is not null;
create index delivery_status on delivery (tenant_id, status, id);
comment on column delivery.subject is 'what the order is kept for: Patient/1, or the resource itself';
comment on column delivery.about is 'what a person reads: ADT^A08, event-notification';
comment on column delivery.body is 'the exact bytes where they were made before (HL7 v2); else they are made of the payload';

-- A Subscription that is served here, and for whom. Its content is the resource in the record.
create table subscription (
    tenant_id int not null,
    id text collate "C" not null,
    status text not null check (status in ('requested', 'active', 'error', 'off')),
    version int not null,
    owner text not null,
    owner_name text not null,
    scopes text[] not null,
    fingerprint text not null,
    after_seq bigint not null,
    events bigint not null default 0,
    sent bigint not null default 0,
    heartbeat_due timestamptz,
    reason text not null default '',
    primary key (tenant_id, id)
);
select make_tenant_table('subscription');
comment on column subscription.scopes is 'what its owner could do when it was asked for; the owner of today is asked too';
comment on column subscription.after_seq is 'the change feed at the time when it was asked for';
comment on column subscription.sent is 'the last event that a websocket took';

-- What happened for a subscription, numbered from 1 without gaps.
create table subscription_event (
    tenant_id int not null,
    subscription text collate "C" not null,
    number bigint not null,
    seq bigint not null,
    at timestamptz not null,
    type text collate "C" not null,
    id text collate "C" not null,
    version int not null,
    change text not null check (change in ('created', 'updated', 'deleted')),
    primary key (tenant_id, subscription, number),
    unique (tenant_id, subscription, seq)
);
select make_tenant_table('subscription_event');
create index subscription_event_at on subscription_event (tenant_id, at);

-- How far the change feed was looked at. Sequence numbers are given out before commits: everything up to `next_through`
-- is visible, or will never be, once no transaction older than `next_xid` is running.
create table feed_cursor (
    tenant_id int not null primary key,
    through bigint not null,
    next_through bigint not null,
    next_xid xid8 not null
);
select make_tenant_table('feed_cursor');

-- One-use passes of websockets.
create table websocket_token (
    tenant_id int not null,
    hash bytea not null,
    subscriptions text[] not null,
    owner text not null,
    expires timestamptz not null,
    primary key (tenant_id, hash)
);
select make_tenant_table('websocket_token');

-- Systems that we send HL7 v2 to.
create table outbound_feed (
    tenant_id int not null,
    id int not null generated always as identity,
    name text not null,
    host text not null,
    port int not null check (port between 1 and 65535),
    messages text[] not null check (cardinality(messages) > 0),
    application text not null,
    facility text not null,
    after_seq bigint not null,
    enabled boolean not null default true,
    added timestamptz not null,
    primary key (tenant_id, id)
);
select make_tenant_table('outbound_feed');
comment on column outbound_feed.messages is 'names of maps in content/mappings/hl7v2-out: adt, oru, ref';
comment on column outbound_feed.application is 'MSH-5 and, with facility, MSH-6';
