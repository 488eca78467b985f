-- Whose time can be taken. The number is the place of this diary on one line of seconds that all diaries share.
create table diary (
    tenant_id int not null references tenant (id),
    actor text collate "C" not null,
    number bigint not null generated always as identity,
    primary key (tenant_id, actor),
    unique (number),
    check (number between 1 and 536870911)
);
select make_tenant_table('diary');

-- Time taken of one actor, by an Appointment, an absence or a hold for somebody who waits. Each diary has its own
-- stretch of 2^34 seconds (544 years from 1970) on one line, so that one range says both whose time it is and which:
-- nobody is booked twice, and it needs no extension (decision 0191). A clash came from outside and is kept beside.
create table booking (
    tenant_id int not null references tenant (id),
    holder text collate "C" not null,
    actor text collate "C" not null,
    number bigint not null,
    kind text not null check (kind in ('visit', 'away', 'hold')),
    status text collate "C" not null,
    starts timestamptz not null,
    ends timestamptz not null,
    clash boolean not null,
    lane int8range not null generated always as (int8range(
        number * 17179869184 + floor(date_part('epoch', starts at time zone 'UTC'))::bigint,
        number * 17179869184 + ceil(date_part('epoch', ends at time zone 'UTC'))::bigint
    )) stored,
    primary key (tenant_id, holder, actor),
    foreign key (tenant_id, actor) references diary (tenant_id, actor),
    check (starts < ends and starts >= timestamptz '1970-01-01T00:00:00Z' and ends < timestamptz '2500-01-01T00:00:00Z'),
    constraint nobody_twice exclude using gist (lane with &&) where (not clash)
);
create index booking_of_actor on booking (tenant_id, actor, starts);
create index booking_clash on booking (tenant_id, starts) where clash;
select make_tenant_table('booking');

-- A freed time that one waiting person may have. One for a time, one for a person, until answered or expired.
create table visit_offer (
    tenant_id int not null references tenant (id),
    id text collate "C" not null,
    waiting_id text collate "C" not null,
    patient_id text collate "C" not null,
    actor text collate "C" not null,
    starts timestamptz not null,
    ends timestamptz not null,
    freed_by text collate "C" not null,
    freed_until timestamptz not null,
    owner text collate "C" not null,
    why text not null,
    state text not null check (state in ('open', 'accepted', 'declined', 'expired', 'withdrawn')),
    offered timestamptz not null,
    expires timestamptz not null,
    answered timestamptz,
    answered_by text,
    primary key (tenant_id, id),
    check ((state = 'open') = (answered is null))
);
create unique index visit_offer_time on visit_offer (tenant_id, actor, starts) where state = 'open';
create unique index visit_offer_person on visit_offer (tenant_id, waiting_id) where state = 'open';
create index visit_offer_freed on visit_offer (tenant_id, actor, starts);
select make_tenant_table('visit_offer');

-- A calendar by a secret address. Only the hash of the secret is kept; a revoked one stays, so that it says so.
create table calendar_feed (
    tenant_id int not null references tenant (id),
    id text collate "C" not null,
    practitioner text collate "C" not null,
    secret_hash bytea not null,
    made timestamptz not null,
    made_by text not null,
    revoked timestamptz,
    last_read timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, secret_hash)
);
create unique index calendar_feed_of on calendar_feed (tenant_id, practitioner) where revoked is null;
select make_tenant_table('calendar_feed');

-- The way of one person into one video visit.
create table visit_link (
    tenant_id int not null references tenant (id),
    secret_hash bytea not null,
    appointment_id text collate "C" not null,
    party text not null,
    made timestamptz not null,
    opened timestamptz,
    primary key (tenant_id, secret_hash)
);
create index visit_link_of on visit_link (tenant_id, appointment_id);
select make_tenant_table('visit_link');
