-- Access: staff accounts, sessions, clients, tokens, and the audit trail with its seals.

-- Staff who sign in. `username` is the part before the @ of name@tenant; `totp_secret` is encrypted with a key that is
-- not in the database. `totp_last_step` makes a used code useless.
create table account (
    tenant_id int not null,
    id text not null,
    username text not null check (username ~ '^[a-z][a-z0-9._-]{1,60}$'),
    name text not null,
    practitioner_id text not null,
    roles text[] not null check (cardinality(roles) > 0),
    password_hash text,
    totp_secret bytea,
    totp_last_step bigint not null default 0,
    created timestamptz not null,
    disabled timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, username),
    unique (tenant_id, practitioner_id),
    constraint administrators_have_a_second_factor
        check (not ('administrator' = any (roles)) or password_hash is null or totp_secret is not null)
);
select make_tenant_table('account');

-- Addresses from which an account has signed in: strangers' failures never lock these out. Keyed hashes only.
create table account_address (
    tenant_id int not null,
    account_id text not null,
    address_hash bytea not null,
    last_success timestamptz not null,
    primary key (tenant_id, account_id, address_hash),
    foreign key (tenant_id, account_id) references account (tenant_id, id)
);
select make_tenant_table('account_address');

create table staff_session (
    tenant_id int not null,
    token_hash bytea not null,
    account_id text not null,
    stage text not null check (stage in ('password', 'full')),
    created timestamptz not null,
    seen timestamptz not null,
    ends timestamptz not null,
    primary key (tenant_id, token_hash),
    foreign key (tenant_id, account_id) references account (tenant_id, id)
);
create index staff_session_account on staff_session (tenant_id, account_id);
select make_tenant_table('staff_session');

-- Tries to sign in, counted before the tenant is known. Holds keyed hashes of names and addresses, so no person.
create table sign_in_throttle (
    key bytea primary key,
    failures int not null,
    last_failure timestamptz not null,
    blocked_until timestamptz not null
);
grant select, insert, update, delete on sign_in_throttle to careloop_app;

-- Other programs. Exactly one way to prove who they are: a secret (hashed) or a set of public keys; a public client (an
-- app on a person's device) has none and rests on PKCE. `redirect_uris` are where codes may be sent, compared exactly.
-- `registered` says how it came: by an administrator or by itself (RFC 7591).
create table client (
    tenant_id int not null,
    id text not null,
    name text not null,
    secret_hash bytea,
    jwks jsonb,
    public boolean not null default false,
    scopes text[] not null check (cardinality(scopes) > 0),
    redirect_uris text[] not null default '{}',
    launch_url text,
    registered text not null default 'administrator' check (registered in ('administrator', 'dynamic')),
    created timestamptz not null,
    revoked timestamptz,
    primary key (tenant_id, id),
    constraint one_way_to_authenticate
        check ((secret_hash is not null)::int + (jwks is not null)::int = case when public then 0 else 1 end),
    constraint public_clients_act_for_people check (not public or cardinality(redirect_uris) > 0)
);
create unique index client_name on client (tenant_id, name) where revoked is null;
select make_tenant_table('client');

-- What a person has allowed an app to do: one row for each consent. Revoked, everything that came of it is dead.
create table app_grant (
    tenant_id int not null,
    id text not null,
    client_id text not null,
    account_id text not null,
    scopes text[] not null,
    patient_id text,
    nonce text,
    created timestamptz not null,
    revoked timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, client_id) references client (tenant_id, id),
    foreign key (tenant_id, account_id) references account (tenant_id, id)
);
select make_tenant_table('app_grant');

-- Codes and refresh tokens, each good once. A second use finds `used` and revokes the grant.
create table app_ticket (
    tenant_id int not null,
    ticket_hash bytea not null,
    kind text not null check (kind in ('code', 'refresh')),
    grant_id text not null,
    redirect_uri text,
    code_challenge text,
    expires timestamptz not null,
    used timestamptz,
    primary key (tenant_id, ticket_hash),
    constraint codes_have_a_challenge check ((kind = 'code') = (code_challenge is not null and redirect_uri is not null)),
    foreign key (tenant_id, grant_id) references app_grant (tenant_id, id)
);
create index app_ticket_expires on app_ticket (tenant_id, expires);
select make_tenant_table('app_ticket');

-- A launch from a patient's page: the app that was opened shows it and gets that patient as its context.
create table app_launch (
    tenant_id int not null,
    launch_hash bytea not null,
    client_id text not null,
    account_id text not null,
    patient_id text not null,
    expires timestamptz not null,
    primary key (tenant_id, launch_hash),
    foreign key (tenant_id, client_id) references client (tenant_id, id),
    foreign key (tenant_id, account_id) references account (tenant_id, id)
);
select make_tenant_table('app_launch');

create table access_token (
    tenant_id int not null,
    token_hash bytea not null,
    client_id text not null,
    grant_id text,
    scopes text[] not null,
    issued timestamptz not null,
    expires timestamptz not null,
    revoked timestamptz,
    primary key (tenant_id, token_hash),
    constraint at_most_an_hour check (expires <= issued + interval '1 hour'),
    foreign key (tenant_id, client_id) references client (tenant_id, id),
    foreign key (tenant_id, grant_id) references app_grant (tenant_id, id)
);
create index access_token_expires on access_token (tenant_id, expires);
select make_tenant_table('access_token');

-- Ids of client assertions that were used; a second use finds its id here.
create table client_assertion (
    tenant_id int not null,
    client_id text not null,
    jti text not null,
    expires timestamptz not null,
    primary key (tenant_id, client_id, jti),
    foreign key (tenant_id, client_id) references client (tenant_id, id)
);
select make_tenant_table('client_assertion');

-- EHRs that ask our CDS services: each issuer is of one tenant, and is known by its public keys. A directory: the tenant
-- is found here before its rows can be seen. It names programs, no person.
create table cds_issuer (
    iss text primary key check (length(iss) between 1 and 300),
    practice int not null references tenant (id),
    id text not null unique,
    name text not null,
    jwks jsonb not null,
    created timestamptz not null,
    revoked timestamptz
);
grant select, insert, update on cds_issuer to careloop_app;

-- Ids of signed requests of CDS clients that were used.
create table cds_request (
    tenant_id int not null,
    issuer_id text not null,
    jti text not null,
    expires timestamptz not null,
    primary key (tenant_id, issuer_id, jti)
);
select make_tenant_table('cds_request');

-- What clinicians did with our cards.
create table cds_feedback (
    tenant_id int not null,
    id bigint generated always as identity,
    issuer_id text not null,
    service text not null,
    card text not null,
    outcome text not null check (outcome in ('accepted', 'overridden')),
    reason text,
    comment text,
    at timestamptz not null,
    recorded timestamptz not null,
    primary key (tenant_id, id)
);
select make_tenant_table('cds_feedback');

-- EHRs that open our panel (SMART App Launch with us as the app): each issuer is of one tenant. A directory, like
-- cds_issuer. `hosts` are those that may be asked beside the issuer's own, `origins` those that may frame the panel.
create table ehr (
    iss text primary key check (length(iss) between 1 and 300),
    practice int not null references tenant (id),
    id text not null unique,
    name text not null,
    client_id text not null,
    client_secret bytea,
    hosts text[] not null,
    origins text[] not null,
    created timestamptz not null,
    revoked timestamptz
);
grant select, insert, update on ehr to careloop_app;

-- Who did what, for whom, when, from where. Written in the transaction of what it tells of. `recorded` is the
-- database's own time, never the product's movable clock.
create table audit_event (
    tenant_id int not null,
    id bigint generated always as identity,
    recorded timestamptz not null default clock_timestamp(),
    transaction bigint not null default pg_current_xact_id()::text::bigint,
    action text not null check (action in ('C', 'R', 'U', 'D', 'E')),
    subtype text not null,
    outcome text not null check (outcome in ('0', '4', '8', '12')),
    agent_kind text not null,
    agent_id text not null,
    agent_name text not null,
    agent_reference text not null,
    purpose text not null,
    address text,
    resource_type text,
    resource_ids text[] not null,
    patient_ids text[] not null,
    query text,
    detail text,
    primary key (tenant_id, id)
);
create index audit_event_transaction on audit_event (tenant_id, transaction);
create index audit_event_recorded on audit_event using brin (recorded) with (pages_per_range = 32, autosummarize = on);
create index audit_event_patient on audit_event using gin (patient_ids);
select make_tenant_table('audit_event');

-- The chain. Each seal covers the events that were committed since the one before, in the order of `event_ids`;
-- `digests` is their SHA-256 one after the other; `digest` covers all of it and the digest of the seal before.
-- Every transaction older than `horizon` had ended when the seal was made.
create table audit_seal (
    tenant_id int not null,
    number bigint not null check (number > 0),
    event_ids bigint[] not null check (cardinality(event_ids) > 0),
    digests bytea not null,
    previous bytea not null,
    digest bytea not null,
    last_transaction bigint not null,
    horizon bigint not null,
    sealed timestamptz not null,
    primary key (tenant_id, number),
    constraint one_digest_each check (length(digests) = 32 * cardinality(event_ids))
);
create index audit_seal_last_transaction on audit_seal (tenant_id, last_transaction);
select make_tenant_table('audit_seal');

-- Nobody changes the trail: the app role may not, and the owner is stopped by a trigger.
revoke update, delete, truncate on audit_event, audit_seal from careloop_app;
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail is append-only' using errcode = 'insufficient_privilege';
end
$$;
create trigger append_only before update or delete or truncate on audit_event
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on audit_seal
    for each statement execute function refuse_change();
