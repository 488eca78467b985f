-- Loops: what must be done, by whom, until when, and what proved it. The state of a loop is derived from the record
-- and from acts (loops.rules); these tables keep the result, so that lists are fast and constraints can hold.

-- Numbers of loops as people say them (L-2041). One sequence for all tenants: no lock, gaps are no harm.
create sequence loop_number start 1001;

create table loop (
    tenant_id int not null,
    id uuid not null,
    number bigint not null default nextval('loop_number'),
    pathway text not null,
    version text not null,
    patient_id text not null,
    focus text not null,
    matter text not null,
    status text not null check (status in ('requested', 'accepted', 'in-progress', 'on-hold', 'completed', 'cancelled',
                                           'failed', 'entered-in-error')),
    is_open boolean not null generated always as
        (status in ('requested', 'accepted', 'in-progress', 'on-hold')) stored,
    clock text not null check (clock in ('on-time', 'due-soon', 'overdue', 'waiting')),
    owner text not null check (owner ~ '^(Practitioner|PractitionerRole|CareTeam)/.'),
    opened timestamptz not null,
    closed timestamptz,
    closure_reason text,
    closure_by text,
    closure_note text,
    deadline timestamptz not null,
    next_step text,
    next_due timestamptz not null,
    next_outside boolean not null,
    tier text not null check (tier in ('high', 'standard')),
    safety boolean not null default false,
    lasting_points int not null,
    board text,
    watch_until timestamptz,
    as_of timestamptz not null,
    wake_at timestamptz,
    hold_reason text,
    hold_by text,
    hold_until timestamptz,
    snoozed_until timestamptz,
    task_version int not null,
    history text[] not null default '{}',
    state jsonb not null,
    primary key (tenant_id, id),
    constraint loop_closed_has_instant check ((closed is null)
        = (status in ('requested', 'accepted', 'in-progress', 'on-hold'))),
    constraint loop_on_hold_wakes check (status <> 'on-hold'
        or (hold_reason is not null and hold_by is not null and hold_until is not null)),
    constraint loop_cancelled_says_why check (status not in ('cancelled', 'failed') or closure_reason is not null),
    constraint loop_snooze_ends_before_deadline check (snoozed_until is null or snoozed_until <= deadline)
) with (toast_tuple_target = 800);
-- The derived state is most of a row and no list reads it: kept out of line, a list of all open loops reads little.
create unique index loop_one_per_matter on loop (tenant_id, pathway, focus)
    where status in ('requested', 'accepted', 'in-progress', 'on-hold');
create unique index loop_by_number on loop (tenant_id, number);
create index loop_of_patient on loop (tenant_id, patient_id);
create index loop_of_focus on loop (tenant_id, focus);
create index loop_to_wake on loop (tenant_id, wake_at) where wake_at is not null;
create index loop_open_of_owner on loop (tenant_id, owner, next_due)
    where status in ('requested', 'accepted', 'in-progress', 'on-hold');
create index loop_open_by_due on loop (tenant_id, next_due)
    where status in ('requested', 'accepted', 'in-progress', 'on-hold');
create index loop_closed_by_owner on loop (tenant_id, owner, closed) where closed is not null;
create index loop_on_board on loop (tenant_id, board, next_due) where board is not null;
select make_tenant_table('loop');

create table loop_step (
    tenant_id int not null,
    loop_id uuid not null,
    step_id text not null check (step_id <> ''),
    task_id uuid not null,
    position int not null,
    status text not null check (status in ('requested', 'accepted', 'in-progress', 'on-hold', 'completed', 'cancelled',
                                           'failed', 'entered-in-error')),
    is_open boolean not null generated always as
        (status in ('requested', 'accepted', 'in-progress', 'on-hold')) stored,
    clock text not null check (clock in ('on-time', 'due-soon', 'overdue', 'waiting')),
    owner text not null check (owner ~ '^(Practitioner|PractitionerRole|CareTeam)/.'),
    owner_role text not null,
    due timestamptz not null,
    says text not null,
    outside boolean not null,
    ended timestamptz,
    closure_reason text,
    evidence text[] not null default '{}',
    hold_reason text,
    hold_by text,
    hold_until timestamptz,
    task_version int not null,
    history text[] not null default '{}',
    primary key (tenant_id, loop_id, step_id),
    foreign key (tenant_id, loop_id) references loop (tenant_id, id) on delete cascade deferrable initially deferred,
    constraint step_completed_by_evidence_or_reason check (status <> 'completed'
        or cardinality(evidence) > 0 or closure_reason is not null),
    constraint step_on_hold_wakes check (status <> 'on-hold'
        or (hold_reason is not null and hold_by is not null and hold_until is not null))
);
create unique index loop_step_by_task on loop_step (tenant_id, task_id);
create index loop_step_open_of_owner on loop_step (tenant_id, owner, due)
    where status in ('requested', 'accepted', 'in-progress', 'on-hold');
select make_tenant_table('loop_step');

-- What people did to loops. Never changed: an undo is one more act that names the act it undoes.
create table loop_act (
    tenant_id int not null,
    id uuid not null,
    loop_id uuid not null,
    step_id text,
    kind text not null,
    at timestamptz not null,
    by text not null,
    data jsonb not null default '{}',
    undoes uuid,
    primary key (tenant_id, id),
    foreign key (tenant_id, loop_id) references loop (tenant_id, id) deferrable initially deferred
);
create unique index loop_act_undone_once on loop_act (tenant_id, undoes) where undoes is not null;
create index loop_act_of_loop on loop_act (tenant_id, loop_id, at);
create index loop_act_proof on loop_act (tenant_id, split_part(data ->> 'reference', '/_history/', 1))
    where kind = 'evidence';
select make_tenant_table('loop_act');
revoke update, delete on loop_act from careloop_app;

-- Who owned what, when. step_id '' is the loop itself. Each row begins at the very instant at which the one before it
-- ended (previous_until points at it), and only one row has no predecessor: so there is exactly one answer for every
-- moment since the loop is known, and no gap can be written.
create table ownership (
    tenant_id int not null,
    loop_id uuid not null,
    step_id text not null,
    owner text not null,
    owned_from timestamptz not null,
    owned_until timestamptz,
    previous_until timestamptz,
    by text not null,
    why text not null,
    primary key (tenant_id, loop_id, step_id, owned_from),
    unique nulls not distinct (tenant_id, loop_id, step_id, owned_until),
    unique nulls not distinct (tenant_id, loop_id, step_id, previous_until),
    foreign key (tenant_id, loop_id, step_id, previous_until)
        references ownership (tenant_id, loop_id, step_id, owned_until) deferrable initially deferred,
    constraint ownership_runs_forward check (owned_until > owned_from),
    constraint ownership_follows_at_once check (previous_until = owned_from)
);
select make_tenant_table('ownership');

-- A hand-over is an offer; the giver stays owner until the taker accepts.
create table ownership_offer (
    tenant_id int not null,
    id uuid not null,
    loop_id uuid not null,
    giver text not null,
    taker text not null,
    why text not null,
    offered timestamptz not null,
    answered timestamptz,
    answer text check (answer in ('accepted', 'declined', 'withdrawn')),
    answer_why text,
    primary key (tenant_id, id),
    foreign key (tenant_id, loop_id) references loop (tenant_id, id) deferrable initially deferred,
    check ((answered is null) = (answer is null)),
    check (giver <> taker)
);
create unique index ownership_offer_open on ownership_offer (tenant_id, loop_id) where answered is null;
create index ownership_offer_of_taker on ownership_offer (tenant_id, taker) where answered is null;
select make_tenant_table('ownership_offer');

-- A deadline passed and somebody else must look. The key fires once, whatever the clock does.
create table escalation (
    tenant_id int not null,
    loop_id uuid not null,
    step_id text not null,
    key text not null,
    to_role text not null,
    to_owner text not null,
    at timestamptz not null,
    fired timestamptz not null,
    late boolean not null,
    stands boolean not null,
    primary key (tenant_id, loop_id, step_id, key),
    foreign key (tenant_id, loop_id) references loop (tenant_id, id) deferrable initially deferred
);
create index escalation_of_owner on escalation (tenant_id, to_owner) where stands;
select make_tenant_table('escalation');

-- Answers already given, by the key of the form that asked: the same press twice is one act.
create table act_receipt (
    tenant_id int not null,
    key text not null,
    by text not null,
    act_id uuid not null,
    receipt jsonb not null,
    at timestamptz not null,
    primary key (tenant_id, by, key)
);
select make_tenant_table('act_receipt');

-- Patients of whom a fact lies ahead (a discharge dated tomorrow): nothing stands yet that could wake by itself.
create table loop_wake (
    tenant_id int not null,
    patient_id text not null,
    wake_at timestamptz not null,
    primary key (tenant_id, patient_id)
);
create index loop_wake_due on loop_wake (tenant_id, wake_at);
select make_tenant_table('loop_wake');

-- Matters that opened no loop (their window was over) and are explained in the record already.
create table loop_note (
    tenant_id int not null,
    patient_id text not null,
    key text not null,
    at timestamptz not null,
    primary key (tenant_id, key)
);
select make_tenant_table('loop_note');
