-- Made from the migrations by tools/schema.py. Read this; change the migrations.

CREATE FUNCTION public.keep_loop_clock() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if tg_op = 'UPDATE' then
        delete from loop_clock as c
         using changed as l
         where c.tenant_id = l.tenant_id
           and c.loop_id = l.id
           and (l.wake_at is null or l.wake_at >= '9999-12-31');
        update loop_clock as c
           set wake_at = l.wake_at, patient_id = l.patient_id
          from changed as l
         where c.tenant_id = l.tenant_id
           and c.loop_id = l.id
           and (c.wake_at <> l.wake_at or c.patient_id <> l.patient_id);
    end if;
    insert into loop_clock (tenant_id, loop_id, patient_id, wake_at)
    select l.tenant_id, l.id, l.patient_id, l.wake_at
      from changed as l
     where l.wake_at < '9999-12-31'
       and not exists (select from loop_clock as c where c.tenant_id = l.tenant_id and c.loop_id = l.id);
    return null;
end
$$;

CREATE FUNCTION public.keep_loop_place() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    delete from loop_place as p
     using changed as l
     where p.tenant_id = l.tenant_id
       and p.loop_id = l.id
       and l.status not in ('requested', 'accepted', 'in-progress', 'on-hold');
    insert into loop_place as p (loop_id, patient_id, pathway, tier, step_id, due, opened, outside, waiting, safety,
                                 lasting_points, snoozed_until, next_owner, section, points, holds_from, holds_until)
    select l.id, l.patient_id, l.pathway, l.tier, l.next_step, l.next_due, l.opened, l.next_outside, l.next_waiting,
           l.safety, l.lasting_points, l.snoozed_until, l.next_owner,
           coalesce(rank_section(r.points, l.next_due, l.next_waiting, l.safety, c.tomorrow, c.weights), 1),
           coalesce(r.points, 0), coalesce(c.at, 'infinity'),
           coalesce(rank_until(l.opened, l.next_due, l.next_outside, l.next_waiting, c.at, c.zone, c.weights), '-infinity')
      from changed as l
      left join loop_place as stands on stands.tenant_id = l.tenant_id and stands.loop_id = l.id
      left join worklist_clock as c on c.tenant_id = l.tenant_id
     cross join lateral (select rank_points(l.lasting_points, l.opened, l.next_due, l.next_outside, l.next_waiting, c.at,
                                            c.tomorrow, c.day_after, c.weights) as points) as r
     where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
       and (stands.loop_id is null
            or (stands.patient_id, stands.pathway, stands.tier, stands.step_id, stands.due, stands.opened, stands.outside,
                stands.waiting, stands.safety, stands.lasting_points, stands.snoozed_until, stands.next_owner)
               is distinct from
               (l.patient_id, l.pathway, l.tier, l.next_step, l.next_due, l.opened, l.next_outside, l.next_waiting, l.safety,
                l.lasting_points, l.snoozed_until, l.next_owner))
     order by l.id
    on conflict (tenant_id, loop_id) do update
       set patient_id = excluded.patient_id, pathway = excluded.pathway, tier = excluded.tier,
           step_id = excluded.step_id, due = excluded.due, opened = excluded.opened, outside = excluded.outside,
           waiting = excluded.waiting, safety = excluded.safety, lasting_points = excluded.lasting_points,
           snoozed_until = excluded.snoozed_until, next_owner = excluded.next_owner, section = excluded.section,
           points = excluded.points, holds_from = excluded.holds_from, holds_until = excluded.holds_until;
    return null;
end
$$;

CREATE FUNCTION public.keep_rule_version() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.lead_of_first_loop() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into lead (tenant_id, patient_id, lead, led_from, by, why)
    select distinct on (o.patient_id) o.tenant_id, o.patient_id, o.owner, o.as_of, 'careloop',
           'owns the first loop of the patient'
      from opened as o
     where o.owner not like 'PractitionerRole/%'
       and o.is_open
       and not exists (select from lead as l where l.tenant_id = o.tenant_id and l.patient_id = o.patient_id)
     order by o.patient_id, o.opened, o.id
        on conflict do nothing;
    return null;
end
$$;

CREATE FUNCTION public.look_at_changed_need() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into responsibility_look (tenant_id, patient_id)
    select distinct n.tenant_id, n.patient_id
      from changed as n
      join standing as o on o.tenant_id = n.tenant_id and o.id = n.id
     where (n.is_open, n.tier, n.patient_id) is distinct from (o.is_open, o.tier, o.patient_id)
        on conflict do nothing;
    return null;
end
$$;

CREATE FUNCTION public.look_at_new_need() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into responsibility_look (tenant_id, patient_id)
    select distinct n.tenant_id, n.patient_id from changed as n
        on conflict do nothing;
    return null;
end
$$;

CREATE FUNCTION public.make_sql_view(name text, columns text[], kinds text[]) RETURNS text
    LANGUAGE plpgsql
    AS $_$
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
$_$;

CREATE FUNCTION public.make_tenant_table(name regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.rank_points(lasting integer, opened timestamp with time zone, due timestamp with time zone, outside boolean, waiting boolean, at timestamp with time zone, tomorrow timestamp with time zone, day_after timestamp with time zone, weights integer[]) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select lasting
         + least(weights[9], weights[8] * greatest(0, floor(extract(epoch from at - opened) / 86400)::int))
         + case when waiting then 0
                when outside then case when due < at then weights[1]
                                       when due < tomorrow then weights[2]
                                       when due < day_after then weights[3]
                                       else 0 end
                when due < at then least(weights[6], weights[4]
                                         + weights[5] * floor(extract(epoch from at - due) / 86400)::int)
                when due < tomorrow then weights[7]
                else 0 end
$$;

CREATE FUNCTION public.rank_section(points integer, due timestamp with time zone, waiting boolean, safety boolean, tomorrow timestamp with time zone, weights integer[]) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select (case when waiting and not safety then 4
                 when safety or points >= weights[10] then 1
                 when due < tomorrow then 2
                 else 3 end)::smallint
$$;

CREATE FUNCTION public.rank_until(opened timestamp with time zone, due timestamp with time zone, outside boolean, waiting boolean, at timestamp with time zone, zone text, weights integer[]) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select coalesce(min(one), 'infinity'::timestamptz)
      from unnest(array[
               case when weights[8] * greatest(0, floor(extract(epoch from at - opened) / 86400)) < weights[9]
                    then opened + make_interval(secs => 86400 * (1 + greatest(0, floor(extract(epoch from at - opened) / 86400)))) end,
               case when not waiting then due + interval '1 microsecond' end,
               case when not waiting then date_trunc('day', due at time zone zone) at time zone zone end,
               case when not waiting and outside
                    then (date_trunc('day', due at time zone zone) - interval '1 day') at time zone zone end,
               case when not waiting and not outside and due < at
                         and weights[4] + weights[5] * floor(extract(epoch from at - due) / 86400) < weights[6]
                    then due + make_interval(secs => 86400 * (1 + floor(extract(epoch from at - due) / 86400))) end
           ]) as one
     where one > at
$$;

CREATE FUNCTION public.refresh_seats(whose text) RETURNS void
    LANGUAGE sql
    AS $$
    delete from staff_seat where practitioner = whose;
    insert into staff_seat (tenant_id, role, quality, spin, practitioner)
    select distinct a.tenant_id, role, state || '|' || language,
           hashtextextended(a.practitioner_id || ' ' || role, 0), a.practitioner_id
      from account as a
      left join staff_profile as p on p.tenant_id = a.tenant_id and p.practitioner = a.practitioner_id
     cross join unnest(a.roles) as role
     cross join unnest(array[''] || coalesce(p.states, '{}')) as state
     cross join unnest(array[''] || coalesce(p.languages, '{}')) as language
     where a.practitioner_id = whose
       and a.disabled is null
$$;

CREATE FUNCTION public.refresh_seats_of_account() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform refresh_seats(new.practitioner_id);
    return null;
end
$$;

CREATE FUNCTION public.refresh_seats_of_profile() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform refresh_seats(new.practitioner);
    return null;
end
$$;

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'the audit trail is append-only' using errcode = 'insufficient_privilege';
end
$$;

CREATE FUNCTION public.sight_numbers(name text) RETURNS bigint[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    select sight_texts(name)::bigint[]
$$;

CREATE FUNCTION public.sight_texts(name text) RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    select coalesce(string_to_array(nullif(current_setting('app.sight_' || name, true), ''), ','), '{}')
$$;

CREATE TABLE public.absence (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    practitioner text NOT NULL COLLATE pg_catalog."C",
    starts timestamp with time zone NOT NULL,
    ends timestamp with time zone NOT NULL,
    cover text COLLATE pg_catalog."C",
    why text NOT NULL,
    by text NOT NULL,
    noted timestamp with time zone NOT NULL,
    begun timestamp with time zone,
    over timestamp with time zone,
    CONSTRAINT absence_check CHECK ((starts < ends)),
    CONSTRAINT absence_check1 CHECK ((cover <> practitioner)),
    CONSTRAINT absence_check2 CHECK (((over IS NULL) OR (begun IS NOT NULL) OR (over <= starts)))
);

ALTER TABLE ONLY public.absence FORCE ROW LEVEL SECURITY;

CREATE TABLE public.access_token (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    token_hash bytea NOT NULL,
    client_id text NOT NULL,
    grant_id text,
    scopes text[] NOT NULL,
    issued timestamp with time zone NOT NULL,
    expires timestamp with time zone NOT NULL,
    revoked timestamp with time zone,
    CONSTRAINT at_most_an_hour CHECK ((expires <= (issued + '01:00:00'::interval)))
);

ALTER TABLE ONLY public.access_token FORCE ROW LEVEL SECURITY;

CREATE TABLE public.account (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id text NOT NULL,
    username text NOT NULL,
    name text NOT NULL,
    practitioner_id text NOT NULL,
    roles text[] NOT NULL,
    password_hash text,
    totp_secret bytea,
    totp_last_step bigint DEFAULT 0 NOT NULL,
    created timestamp with time zone NOT NULL,
    disabled timestamp with time zone,
    CONSTRAINT account_roles_check CHECK ((cardinality(roles) > 0)),
    CONSTRAINT account_username_check CHECK ((username ~ '^[a-z][a-z0-9._-]{1,60}$'::text)),
    CONSTRAINT administrators_have_a_second_factor CHECK (((NOT ('administrator'::text = ANY (roles))) OR (password_hash IS NULL) OR (totp_secret IS NOT NULL)))
);

ALTER TABLE ONLY public.account FORCE ROW LEVEL SECURITY;

CREATE TABLE public.account_address (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    account_id text NOT NULL,
    address_hash bytea NOT NULL,
    last_success timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.account_address FORCE ROW LEVEL SECURITY;

CREATE TABLE public.act_receipt (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    key text NOT NULL,
    by text NOT NULL,
    act_id uuid NOT NULL,
    receipt jsonb NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.act_receipt FORCE ROW LEVEL SECURITY;

CREATE TABLE public.allowed_host (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    host text NOT NULL,
    added timestamp with time zone NOT NULL,
    added_by text NOT NULL,
    CONSTRAINT allowed_host_host_check CHECK (((host = lower(host)) AND (host <> ''::text)))
);

ALTER TABLE ONLY public.allowed_host FORCE ROW LEVEL SECURITY;

CREATE TABLE public.app_grant (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id text NOT NULL,
    client_id text NOT NULL,
    account_id text NOT NULL,
    scopes text[] NOT NULL,
    patient_id text,
    nonce text,
    created timestamp with time zone NOT NULL,
    revoked timestamp with time zone
);

ALTER TABLE ONLY public.app_grant FORCE ROW LEVEL SECURITY;

CREATE TABLE public.app_launch (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    launch_hash bytea NOT NULL,
    client_id text NOT NULL,
    account_id text NOT NULL,
    patient_id text NOT NULL,
    expires timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.app_launch FORCE ROW LEVEL SECURITY;

CREATE TABLE public.app_ticket (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    ticket_hash bytea NOT NULL,
    kind text NOT NULL,
    grant_id text NOT NULL,
    redirect_uri text,
    code_challenge text,
    expires timestamp with time zone NOT NULL,
    used timestamp with time zone,
    CONSTRAINT app_ticket_kind_check CHECK ((kind = ANY (ARRAY['code'::text, 'refresh'::text]))),
    CONSTRAINT codes_have_a_challenge CHECK (((kind = 'code'::text) = ((code_challenge IS NOT NULL) AND (redirect_uri IS NOT NULL))))
);

ALTER TABLE ONLY public.app_ticket FORCE ROW LEVEL SECURITY;

CREATE TABLE public.assessment_due (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    patient_id text NOT NULL,
    instrument text NOT NULL,
    last_at timestamp with time zone NOT NULL,
    due timestamp with time zone NOT NULL,
    rule text NOT NULL,
    says text NOT NULL,
    asked text,
    CONSTRAINT assessment_due_check CHECK ((due > last_at))
);

ALTER TABLE ONLY public.assessment_due FORCE ROW LEVEL SECURITY;

CREATE TABLE public.assessment_share (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    link_id uuid NOT NULL,
    response_id text NOT NULL,
    who text NOT NULL,
    sections text[] NOT NULL,
    CONSTRAINT assessment_share_who_check CHECK ((who = ANY (ARRAY['patient'::text, 'caregiver'::text])))
);

ALTER TABLE ONLY public.assessment_share FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.assessment_share.sections IS 'ids of the sections given to them; none: all that they may answer';

CREATE TABLE public.audit_event (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id bigint NOT NULL,
    recorded timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    transaction bigint DEFAULT ((pg_current_xact_id())::text)::bigint NOT NULL,
    action text NOT NULL,
    subtype text NOT NULL,
    outcome text NOT NULL,
    agent_kind text NOT NULL,
    agent_id text NOT NULL,
    agent_name text NOT NULL,
    agent_reference text NOT NULL,
    purpose text NOT NULL,
    address text,
    resource_type text,
    resource_ids text[] NOT NULL,
    patient_ids text[] NOT NULL,
    query text,
    detail text,
    CONSTRAINT audit_event_action_check CHECK ((action = ANY (ARRAY['C'::text, 'R'::text, 'U'::text, 'D'::text, 'E'::text]))),
    CONSTRAINT audit_event_outcome_check CHECK ((outcome = ANY (ARRAY['0'::text, '4'::text, '8'::text, '12'::text])))
);

ALTER TABLE ONLY public.audit_event FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.audit_seal (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    number bigint NOT NULL,
    event_ids bigint[] NOT NULL,
    digests bytea NOT NULL,
    previous bytea NOT NULL,
    digest bytea NOT NULL,
    last_transaction bigint NOT NULL,
    horizon bigint NOT NULL,
    sealed timestamp with time zone NOT NULL,
    CONSTRAINT audit_seal_event_ids_check CHECK ((cardinality(event_ids) > 0)),
    CONSTRAINT audit_seal_number_check CHECK ((number > 0)),
    CONSTRAINT one_digest_each CHECK ((length(digests) = (32 * cardinality(event_ids))))
);

ALTER TABLE ONLY public.audit_seal FORCE ROW LEVEL SECURITY;

CREATE TABLE public.booking (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    holder text NOT NULL COLLATE pg_catalog."C",
    actor text NOT NULL COLLATE pg_catalog."C",
    number bigint NOT NULL,
    kind text NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    starts timestamp with time zone NOT NULL,
    ends timestamp with time zone NOT NULL,
    clash boolean NOT NULL,
    lane int8range GENERATED ALWAYS AS (int8range(((number * '17179869184'::bigint) + (floor(date_part('epoch'::text, (starts AT TIME ZONE 'UTC'::text))))::bigint), ((number * '17179869184'::bigint) + (ceil(date_part('epoch'::text, (ends AT TIME ZONE 'UTC'::text))))::bigint))) STORED NOT NULL,
    CONSTRAINT booking_check CHECK (((starts < ends) AND (starts >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (ends < '2500-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT booking_kind_check CHECK ((kind = ANY (ARRAY['visit'::text, 'away'::text, 'hold'::text])))
);

ALTER TABLE ONLY public.booking FORCE ROW LEVEL SECURITY;

CREATE TABLE public.bulk_job (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    asked_by text NOT NULL,
    asked_by_kind text NOT NULL,
    asked_by_name text NOT NULL,
    address text,
    request text NOT NULL,
    parameters jsonb NOT NULL,
    state text NOT NULL,
    progress bigint DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    asked timestamp with time zone NOT NULL,
    beat timestamp with time zone,
    finished timestamp with time zone,
    expires timestamp with time zone,
    manifest jsonb,
    reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT bulk_job_kind_check CHECK ((kind = ANY (ARRAY['export'::text, 'import'::text]))),
    CONSTRAINT bulk_job_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'working'::text, 'done'::text, 'failed'::text, 'cancelled'::text]))),
    CONSTRAINT failed_says_why CHECK (((state <> 'failed'::text) OR (reason <> ''::text)))
);

ALTER TABLE ONLY public.bulk_job FORCE ROW LEVEL SECURITY;

CREATE TABLE public.calendar_feed (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    practitioner text NOT NULL COLLATE pg_catalog."C",
    secret_hash bytea NOT NULL,
    made timestamp with time zone NOT NULL,
    made_by text NOT NULL,
    revoked timestamp with time zone,
    last_read timestamp with time zone
);

ALTER TABLE ONLY public.calendar_feed FORCE ROW LEVEL SECURITY;

CREATE TABLE public.care_plan_review (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    plan_id text NOT NULL COLLATE pg_catalog."C",
    patient_id text NOT NULL COLLATE pg_catalog."C",
    due date,
    told boolean DEFAULT false NOT NULL,
    seen text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);

ALTER TABLE ONLY public.care_plan_review FORCE ROW LEVEL SECURITY;

CREATE TABLE public.cds_feedback (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id bigint NOT NULL,
    issuer_id text NOT NULL,
    service text NOT NULL,
    card text NOT NULL,
    outcome text NOT NULL,
    reason text,
    comment text,
    at timestamp with time zone NOT NULL,
    recorded timestamp with time zone NOT NULL,
    CONSTRAINT cds_feedback_outcome_check CHECK ((outcome = ANY (ARRAY['accepted'::text, 'overridden'::text])))
);

ALTER TABLE ONLY public.cds_feedback FORCE ROW LEVEL SECURITY;

ALTER TABLE public.cds_feedback ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.cds_feedback_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.cds_issuer (
    iss text NOT NULL,
    practice integer NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    jwks jsonb NOT NULL,
    created timestamp with time zone NOT NULL,
    revoked timestamp with time zone,
    CONSTRAINT cds_issuer_iss_check CHECK (((length(iss) >= 1) AND (length(iss) <= 300)))
);

CREATE TABLE public.cds_request (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    issuer_id text NOT NULL,
    jti text NOT NULL,
    expires timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.cds_request FORCE ROW LEVEL SECURITY;

CREATE TABLE public.change_feed (
    seq bigint NOT NULL,
    key bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    version integer NOT NULL,
    change text NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    patient_id text COLLATE pg_catalog."C",
    CONSTRAINT change_feed_change_check CHECK ((change = ANY (ARRAY['created'::text, 'updated'::text, 'deleted'::text])))
);

ALTER TABLE ONLY public.change_feed FORCE ROW LEVEL SECURITY;

ALTER TABLE public.change_feed ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.change_feed_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.chart_look (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    who text NOT NULL COLLATE pg_catalog."C",
    patient_id text NOT NULL COLLATE pg_catalog."C",
    since timestamp with time zone,
    looked timestamp with time zone NOT NULL,
    CONSTRAINT chart_look_check CHECK (((since IS NULL) OR (since <= looked)))
);

ALTER TABLE ONLY public.chart_look FORCE ROW LEVEL SECURITY;

CREATE TABLE public.check_in (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    patient_id text NOT NULL COLLATE pg_catalog."C",
    asked timestamp with time zone NOT NULL,
    closes timestamp with time zone NOT NULL,
    medium text NOT NULL,
    sent boolean NOT NULL,
    reminded timestamp with time zone,
    answered timestamp with time zone,
    response text COLLATE pg_catalog."C",
    level integer,
    symptoms text[] DEFAULT '{}'::text[] NOT NULL,
    said jsonb DEFAULT '[]'::jsonb NOT NULL,
    complete boolean DEFAULT false NOT NULL,
    touched timestamp with time zone,
    state text NOT NULL,
    read_by text,
    read_at timestamp with time zone,
    CONSTRAINT check_in_check CHECK (((read_by IS NULL) = (read_at IS NULL))),
    CONSTRAINT check_in_level_check CHECK (((level >= 0) AND (level <= 3))),
    CONSTRAINT check_in_state_check CHECK ((state = ANY (ARRAY['open'::text, 'answered'::text, 'missed'::text, 'not-asked'::text, 'withdrawn'::text])))
);

ALTER TABLE ONLY public.check_in FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.check_in.id IS 'the CommunicationRequest that asks';

COMMENT ON COLUMN public.check_in.sent IS 'it leaves by itself: silence is the patient''s, not ours';

COMMENT ON COLUMN public.check_in.said IS 'question and answer in words, in the order in which they were asked';

COMMENT ON COLUMN public.check_in.touched IS 'when the answers were last added to';

CREATE TABLE public.check_in_clock (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    patient_id text NOT NULL COLLATE pg_catalog."C",
    wake_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.check_in_clock FORCE ROW LEVEL SECURITY;

CREATE TABLE public.client (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    secret_hash bytea,
    jwks jsonb,
    public boolean DEFAULT false NOT NULL,
    scopes text[] NOT NULL,
    redirect_uris text[] DEFAULT '{}'::text[] NOT NULL,
    launch_url text,
    registered text DEFAULT 'administrator'::text NOT NULL,
    created timestamp with time zone NOT NULL,
    revoked timestamp with time zone,
    CONSTRAINT client_registered_check CHECK ((registered = ANY (ARRAY['administrator'::text, 'dynamic'::text]))),
    CONSTRAINT client_scopes_check CHECK ((cardinality(scopes) > 0)),
    CONSTRAINT one_way_to_authenticate CHECK (((((secret_hash IS NOT NULL))::integer + ((jwks IS NOT NULL))::integer) =
CASE
    WHEN public THEN 0
    ELSE 1
END)),
    CONSTRAINT public_clients_act_for_people CHECK (((NOT public) OR (cardinality(redirect_uris) > 0)))
);

ALTER TABLE ONLY public.client FORCE ROW LEVEL SECURITY;

CREATE TABLE public.client_assertion (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    client_id text NOT NULL,
    jti text NOT NULL,
    expires timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.client_assertion FORCE ROW LEVEL SECURITY;

CREATE TABLE public.competency (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    practitioner text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    issued date NOT NULL,
    valid_through date NOT NULL,
    by text NOT NULL,
    noted timestamp with time zone NOT NULL,
    CONSTRAINT competency_check CHECK ((issued <= valid_through))
);

ALTER TABLE ONLY public.competency FORCE ROW LEVEL SECURITY;

CREATE TABLE public.conference (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    title text NOT NULL,
    begun timestamp with time zone NOT NULL,
    by text NOT NULL,
    present text[] NOT NULL,
    absent text[] NOT NULL,
    ended timestamp with time zone,
    CONSTRAINT conference_check CHECK ((NOT (present && absent))),
    CONSTRAINT conference_present_check CHECK ((cardinality(present) > 0))
);

ALTER TABLE ONLY public.conference FORCE ROW LEVEL SECURITY;

CREATE TABLE public.conference_item (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    conference_id uuid NOT NULL,
    loop_id uuid NOT NULL,
    "position" integer NOT NULL,
    patient_id text NOT NULL COLLATE pg_catalog."C",
    asks text NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    decision text,
    owner text,
    step_id text,
    due timestamp with time zone,
    decided timestamp with time zone,
    decided_by text,
    CONSTRAINT conference_decision_is_owned CHECK (((state <> 'decided'::text) OR ((decision IS NOT NULL) AND (owner IS NOT NULL) AND (step_id IS NOT NULL) AND (due IS NOT NULL)))),
    CONSTRAINT conference_item_state_check CHECK ((state = ANY (ARRAY['open'::text, 'decided'::text, 'carried'::text])))
);

ALTER TABLE ONLY public.conference_item FORCE ROW LEVEL SECURITY;

CREATE TABLE public.conference_vote (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    conference_id uuid NOT NULL,
    loop_id uuid NOT NULL,
    member text NOT NULL,
    vote text NOT NULL,
    note text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT conference_vote_vote_check CHECK ((vote = ANY (ARRAY['agree'::text, 'disagree'::text])))
);

ALTER TABLE ONLY public.conference_vote FORCE ROW LEVEL SECURITY;

CREATE TABLE public.contradiction (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    patient_id text NOT NULL COLLATE pg_catalog."C",
    rule text NOT NULL COLLATE pg_catalog."C",
    matter text NOT NULL,
    severity text NOT NULL,
    owner text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL,
    fingerprint text NOT NULL,
    sides jsonb NOT NULL,
    refs text[] NOT NULL COLLATE pg_catalog."C",
    opened timestamp with time zone NOT NULL,
    due timestamp with time zone NOT NULL,
    ended timestamp with time zone,
    decision text,
    decided_by text,
    why text,
    CONSTRAINT contradiction_check CHECK (((state = 'settled'::text) = ((decision IS NOT NULL) AND (decided_by IS NOT NULL) AND (why IS NOT NULL)))),
    CONSTRAINT contradiction_check1 CHECK (((state = 'open'::text) = (ended IS NULL))),
    CONSTRAINT contradiction_severity_check CHECK ((severity = ANY (ARRAY['high'::text, 'middle'::text, 'low'::text]))),
    CONSTRAINT contradiction_state_check CHECK ((state = ANY (ARRAY['open'::text, 'settled'::text, 'withdrawn'::text])))
);

ALTER TABLE ONLY public.contradiction FORCE ROW LEVEL SECURITY;

CREATE TABLE public.delivery (
    id bigint NOT NULL,
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    idempotency uuid NOT NULL,
    target text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    about text NOT NULL,
    status text NOT NULL,
    payload jsonb NOT NULL,
    body bytea,
    created timestamp with time zone NOT NULL,
    gives_up timestamp with time zone NOT NULL,
    due timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    tried timestamp with time zone,
    finished timestamp with time zone,
    reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT dead_says_why CHECK (((status <> 'dead'::text) OR (reason <> ''::text))),
    CONSTRAINT delivery_check CHECK (((status = 'waiting'::text) = (finished IS NULL))),
    CONSTRAINT delivery_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'done'::text, 'dead'::text, 'withdrawn'::text])))
);

ALTER TABLE ONLY public.delivery FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.delivery.subject IS 'what the order is kept for: Patient/1, or the resource itself';

COMMENT ON COLUMN public.delivery.about IS 'what a person reads: ADT^A08, event-notification';

COMMENT ON COLUMN public.delivery.body IS 'the exact bytes where they were made before (HL7 v2); else they are made of the payload';

ALTER TABLE public.delivery ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.delivery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.delivery_target (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    not_before timestamp with time zone NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    lease uuid,
    leased_until timestamp with time zone,
    CONSTRAINT delivery_target_check CHECK (((lease IS NULL) = (leased_until IS NULL))),
    CONSTRAINT delivery_target_kind_check CHECK ((kind = ANY (ARRAY['rest-hook'::text, 'hl7v2'::text, 'mail'::text])))
);

ALTER TABLE ONLY public.delivery_target FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.delivery_target.id IS 'Subscription/<id>, Feed/<id>, or Mail/<reference> for a person';

COMMENT ON COLUMN public.delivery_target.leased_until IS 'by the database clock: durations do not follow the product clock';

CREATE TABLE public.diary (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    actor text NOT NULL COLLATE pg_catalog."C",
    number bigint NOT NULL,
    CONSTRAINT diary_number_check CHECK (((number >= 1) AND (number <= 536870911)))
);

ALTER TABLE ONLY public.diary FORCE ROW LEVEL SECURITY;

ALTER TABLE public.diary ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.diary_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.digest (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    day date NOT NULL,
    made timestamp with time zone NOT NULL,
    lines jsonb NOT NULL
);

ALTER TABLE ONLY public.digest FORCE ROW LEVEL SECURITY;

CREATE TABLE public.ehr (
    iss text NOT NULL,
    practice integer NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    client_id text NOT NULL,
    client_secret bytea,
    hosts text[] NOT NULL,
    origins text[] NOT NULL,
    created timestamp with time zone NOT NULL,
    revoked timestamp with time zone,
    CONSTRAINT ehr_iss_check CHECK (((length(iss) >= 1) AND (length(iss) <= 300)))
);

CREATE TABLE public.escalation (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    loop_id uuid NOT NULL,
    step_id text NOT NULL,
    key text NOT NULL,
    to_role text NOT NULL,
    to_owner text NOT NULL,
    at timestamp with time zone NOT NULL,
    fired timestamp with time zone NOT NULL,
    late boolean NOT NULL,
    stands boolean NOT NULL
);

ALTER TABLE ONLY public.escalation FORCE ROW LEVEL SECURITY;

CREATE TABLE public.feed (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id integer NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    host text DEFAULT '127.0.0.1'::text NOT NULL,
    port integer NOT NULL,
    zone text NOT NULL,
    maps jsonb DEFAULT '{}'::jsonb NOT NULL,
    senders text[] DEFAULT '{}'::text[] NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created timestamp with time zone NOT NULL,
    CONSTRAINT feed_kind_check CHECK ((kind = 'hl7v2'::text)),
    CONSTRAINT feed_port_check CHECK (((port >= 1) AND (port <= 65535)))
);

ALTER TABLE ONLY public.feed FORCE ROW LEVEL SECURITY;

CREATE TABLE public.feed_cursor (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    through bigint NOT NULL,
    next_through bigint NOT NULL,
    next_xid xid8 NOT NULL,
    reader text NOT NULL
);

ALTER TABLE ONLY public.feed_cursor FORCE ROW LEVEL SECURITY;

ALTER TABLE public.feed ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.feed_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.feed_version (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    feed_id integer NOT NULL,
    version integer NOT NULL,
    at timestamp with time zone NOT NULL,
    by_whom text NOT NULL,
    by_name text DEFAULT ''::text NOT NULL,
    what text NOT NULL,
    settings jsonb NOT NULL
);

ALTER TABLE ONLY public.feed_version FORCE ROW LEVEL SECURITY;

CREATE TABLE public.hand_over (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    giver text NOT NULL,
    taker text NOT NULL,
    note text NOT NULL,
    made timestamp with time zone NOT NULL,
    since timestamp with time zone,
    CONSTRAINT hand_over_check CHECK ((giver <> taker))
);

ALTER TABLE ONLY public.hand_over FORCE ROW LEVEL SECURITY;

CREATE TABLE public.hand_over_item (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    hand_over_id uuid NOT NULL,
    loop_id uuid NOT NULL,
    offer_id uuid NOT NULL,
    "position" integer NOT NULL,
    told jsonb NOT NULL
);

ALTER TABLE ONLY public.hand_over_item FORCE ROW LEVEL SECURITY;

CREATE TABLE public.home_alert (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    patient_id text NOT NULL COLLATE pg_catalog."C",
    alert text NOT NULL COLLATE pg_catalog."C",
    number integer NOT NULL,
    tier text NOT NULL,
    late boolean NOT NULL,
    state text NOT NULL,
    opened timestamp with time zone NOT NULL,
    since timestamp with time zone NOT NULL,
    ended timestamp with time zone,
    says text NOT NULL,
    readings text[] NOT NULL,
    row_ids text[] NOT NULL,
    action text DEFAULT ''::text NOT NULL,
    acted timestamp with time zone,
    CONSTRAINT home_alert_check CHECK (((state = 'open'::text) = (ended IS NULL))),
    CONSTRAINT home_alert_state_check CHECK ((state = ANY (ARRAY['open'::text, 'closed'::text, 'settled'::text, 'withdrawn'::text]))),
    CONSTRAINT home_alert_tier_check CHECK ((tier = ANY (ARRAY['red'::text, 'yellow'::text, 'grey'::text])))
);

ALTER TABLE ONLY public.home_alert FORCE ROW LEVEL SECURITY;

CREATE TABLE public.home_plan (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    patient_id text NOT NULL COLLATE pg_catalog."C",
    episode text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone,
    plan jsonb NOT NULL,
    last_measured timestamp with time zone,
    wake_at timestamp with time zone,
    CONSTRAINT home_plan_status_check CHECK ((status = ANY (ARRAY['active'::text, 'onhold'::text, 'finished'::text])))
);

ALTER TABLE ONLY public.home_plan FORCE ROW LEVEL SECURITY;

CREATE TABLE public.home_reading (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    patient_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    observation text NOT NULL COLLATE pg_catalog."C",
    metric text NOT NULL COLLATE pg_catalog."C",
    value numeric,
    measured timestamp with time zone NOT NULL,
    received timestamp with time zone NOT NULL,
    device text DEFAULT ''::text NOT NULL,
    live boolean DEFAULT false NOT NULL,
    fasting boolean DEFAULT false NOT NULL,
    automatic boolean DEFAULT true NOT NULL,
    given text DEFAULT ''::text NOT NULL,
    symptoms text[] DEFAULT '{}'::text[] NOT NULL,
    state text NOT NULL,
    clock boolean DEFAULT false NOT NULL,
    late boolean DEFAULT false NOT NULL,
    waits_until timestamp with time zone,
    findings jsonb,
    CONSTRAINT home_reading_state_check CHECK ((state = ANY (ARRAY['valid'::text, 'duplicate'::text, 'quarantined'::text, 'error'::text])))
);

ALTER TABLE ONLY public.home_reading FORCE ROW LEVEL SECURITY;

CREATE TABLE public.inbox (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id bigint NOT NULL,
    kind text NOT NULL,
    origin text NOT NULL,
    source text DEFAULT ''::text NOT NULL,
    feed_id integer,
    sending_application text DEFAULT ''::text NOT NULL,
    sending_facility text DEFAULT ''::text NOT NULL,
    control_id text DEFAULT ''::text NOT NULL,
    digest bytea NOT NULL,
    raw bytea NOT NULL,
    corrected bytea,
    corrected_by text,
    corrected_at timestamp with time zone,
    received timestamp with time zone NOT NULL,
    lane smallint NOT NULL,
    counts boolean NOT NULL,
    answer text NOT NULL,
    status text NOT NULL,
    stage text DEFAULT ''::text NOT NULL,
    at text DEFAULT ''::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_attempt timestamp with time zone NOT NULL,
    finished timestamp with time zone,
    result jsonb,
    CONSTRAINT dead_letters_say_why CHECK (((status <> 'dead'::text) OR (reason <> ''::text))),
    CONSTRAINT discarded_say_why CHECK (((status <> 'discarded'::text) OR (reason <> ''::text))),
    CONSTRAINT inbox_answer_check CHECK ((answer = ANY (ARRAY['AA'::text, 'AE'::text, 'AR'::text]))),
    CONSTRAINT inbox_kind_check CHECK ((kind = ANY (ARRAY['hl7v2'::text, 'frame'::text, 'file'::text]))),
    CONSTRAINT inbox_origin_check CHECK ((origin = ANY (ARRAY['feed'::text, 'file'::text]))),
    CONSTRAINT inbox_status_check CHECK ((status = ANY (ARRAY['received'::text, 'processed'::text, 'dead'::text, 'discarded'::text])))
);

ALTER TABLE ONLY public.inbox FORCE ROW LEVEL SECURITY;

ALTER TABLE public.inbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.inbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.instance (
    only_row boolean DEFAULT true NOT NULL,
    clock_offset_seconds double precision DEFAULT 0 NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT instance_only_row_check CHECK (only_row)
);

CREATE TABLE public.lead (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    patient_id text NOT NULL COLLATE pg_catalog."C",
    lead text NOT NULL,
    led_from timestamp with time zone NOT NULL,
    led_until timestamp with time zone,
    previous_until timestamp with time zone,
    by text NOT NULL,
    why text NOT NULL,
    joined_to text COLLATE pg_catalog."C",
    CONSTRAINT lead_check CHECK (((joined_to IS NULL) OR (led_until IS NOT NULL))),
    CONSTRAINT lead_follows_at_once CHECK ((previous_until = led_from)),
    CONSTRAINT lead_lead_check CHECK ((lead ~ '^(Practitioner|CareTeam)/.'::text)),
    CONSTRAINT lead_runs_forward CHECK ((led_until > led_from))
);

ALTER TABLE ONLY public.lead FORCE ROW LEVEL SECURITY;

CREATE TABLE public.lead_offer (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    patient_id text NOT NULL COLLATE pg_catalog."C",
    giver text NOT NULL,
    taker text NOT NULL,
    role text NOT NULL,
    rule text,
    why text NOT NULL,
    by text NOT NULL,
    offered timestamp with time zone NOT NULL,
    assignable timestamp with time zone NOT NULL,
    answered timestamp with time zone,
    answer text,
    answer_why text,
    answered_by text,
    CONSTRAINT lead_offer_answer_check CHECK ((answer = ANY (ARRAY['accepted'::text, 'declined'::text, 'withdrawn'::text, 'assigned'::text]))),
    CONSTRAINT lead_offer_check CHECK (((answered IS NULL) = (answer IS NULL))),
    CONSTRAINT lead_offer_check1 CHECK ((giver <> taker)),
    CONSTRAINT lead_offer_check2 CHECK ((offered < assignable))
);

ALTER TABLE ONLY public.lead_offer FORCE ROW LEVEL SECURITY;

CREATE SEQUENCE public.loop_number
    START WITH 1001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.loop (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    number bigint DEFAULT nextval('public.loop_number'::regclass) NOT NULL,
    pathway text NOT NULL,
    version text NOT NULL,
    patient_id text NOT NULL,
    focus text NOT NULL,
    matter text NOT NULL,
    status text NOT NULL,
    is_open boolean GENERATED ALWAYS AS ((status = ANY (ARRAY['requested'::text, 'accepted'::text, 'in-progress'::text, 'on-hold'::text]))) STORED NOT NULL,
    clock text NOT NULL,
    owner text NOT NULL,
    opened timestamp with time zone NOT NULL,
    closed timestamp with time zone,
    closure_reason text,
    closure_by text,
    closure_note text,
    deadline timestamp with time zone NOT NULL,
    next_step text,
    next_due timestamp with time zone NOT NULL,
    next_outside boolean NOT NULL,
    tier text NOT NULL,
    safety boolean DEFAULT false NOT NULL,
    lasting_points integer NOT NULL,
    board text,
    watch_until timestamp with time zone,
    as_of timestamp with time zone NOT NULL,
    wake_at timestamp with time zone,
    hold_reason text,
    hold_by text,
    hold_until timestamp with time zone,
    snoozed_until timestamp with time zone,
    task_version integer NOT NULL,
    history text[] DEFAULT '{}'::text[] NOT NULL,
    state jsonb NOT NULL,
    turned jsonb,
    next_owner text,
    next_waiting boolean DEFAULT false NOT NULL,
    CONSTRAINT loop_cancelled_says_why CHECK (((status <> ALL (ARRAY['cancelled'::text, 'failed'::text])) OR (closure_reason IS NOT NULL))),
    CONSTRAINT loop_clock_check CHECK ((clock = ANY (ARRAY['on-time'::text, 'due-soon'::text, 'overdue'::text, 'waiting'::text]))),
    CONSTRAINT loop_closed_has_instant CHECK (((closed IS NULL) = (status = ANY (ARRAY['requested'::text, 'accepted'::text, 'in-progress'::text, 'on-hold'::text])))),
    CONSTRAINT loop_on_hold_wakes CHECK (((status <> 'on-hold'::text) OR ((hold_reason IS NOT NULL) AND (hold_by IS NOT NULL) AND (hold_until IS NOT NULL)))),
    CONSTRAINT loop_owner_check CHECK ((owner ~ '^(Practitioner|PractitionerRole|CareTeam)/.'::text)),
    CONSTRAINT loop_snooze_ends_before_deadline CHECK (((snoozed_until IS NULL) OR (snoozed_until <= deadline))),
    CONSTRAINT loop_status_check CHECK ((status = ANY (ARRAY['requested'::text, 'accepted'::text, 'in-progress'::text, 'on-hold'::text, 'completed'::text, 'cancelled'::text, 'failed'::text, 'entered-in-error'::text]))),
    CONSTRAINT loop_tier_check CHECK ((tier = ANY (ARRAY['high'::text, 'standard'::text])))
)
WITH (toast_tuple_target='800', fillfactor='85');

ALTER TABLE ONLY public.loop FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.loop.turned IS 'what clocks did since `state` was derived (loops.rules.turned); none of it is in `state`';

COMMENT ON COLUMN public.loop.next_owner IS 'who owns `next_step`; null where no step is open';

COMMENT ON COLUMN public.loop.next_waiting IS 'the move of `next_step` is somebody else''s (loops.rules.rank.is_waiting)';

CREATE TABLE public.loop_act (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    loop_id uuid NOT NULL,
    step_id text,
    kind text NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    data jsonb DEFAULT '{}'::jsonb NOT NULL,
    undoes uuid
);

ALTER TABLE ONLY public.loop_act FORCE ROW LEVEL SECURITY;

CREATE TABLE public.loop_clock (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    loop_id uuid NOT NULL,
    patient_id text NOT NULL,
    wake_at timestamp with time zone NOT NULL
)
WITH (fillfactor='70');

ALTER TABLE ONLY public.loop_clock FORCE ROW LEVEL SECURITY;

CREATE TABLE public.loop_note (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    patient_id text NOT NULL,
    key text NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.loop_note FORCE ROW LEVEL SECURITY;

CREATE TABLE public.loop_place (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    loop_id uuid NOT NULL,
    patient_id text NOT NULL,
    pathway text NOT NULL,
    tier text NOT NULL,
    step_id text,
    due timestamp with time zone NOT NULL,
    opened timestamp with time zone NOT NULL,
    outside boolean NOT NULL,
    waiting boolean NOT NULL,
    safety boolean NOT NULL,
    lasting_points integer NOT NULL,
    snoozed_until timestamp with time zone,
    section smallint NOT NULL,
    points integer NOT NULL,
    holds_from timestamp with time zone NOT NULL,
    holds_until timestamp with time zone NOT NULL,
    next_owner text
)
WITH (fillfactor='80');

ALTER TABLE ONLY public.loop_place FORCE ROW LEVEL SECURITY;

CREATE TABLE public.loop_step (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    loop_id uuid NOT NULL,
    step_id text NOT NULL,
    task_id uuid NOT NULL,
    "position" integer NOT NULL,
    status text NOT NULL,
    is_open boolean GENERATED ALWAYS AS ((status = ANY (ARRAY['requested'::text, 'accepted'::text, 'in-progress'::text, 'on-hold'::text]))) STORED NOT NULL,
    clock text NOT NULL,
    owner text NOT NULL,
    owner_role text NOT NULL,
    due timestamp with time zone NOT NULL,
    says text NOT NULL,
    outside boolean NOT NULL,
    ended timestamp with time zone,
    closure_reason text,
    evidence text[] DEFAULT '{}'::text[] NOT NULL,
    hold_reason text,
    hold_by text,
    hold_until timestamp with time zone,
    task_version integer NOT NULL,
    history text[] DEFAULT '{}'::text[] NOT NULL,
    aside boolean DEFAULT false NOT NULL,
    CONSTRAINT loop_step_clock_check CHECK ((clock = ANY (ARRAY['on-time'::text, 'due-soon'::text, 'overdue'::text, 'waiting'::text]))),
    CONSTRAINT loop_step_owner_check CHECK ((owner ~ '^(Practitioner|PractitionerRole|CareTeam)/.'::text)),
    CONSTRAINT loop_step_status_check CHECK ((status = ANY (ARRAY['requested'::text, 'accepted'::text, 'in-progress'::text, 'on-hold'::text, 'completed'::text, 'cancelled'::text, 'failed'::text, 'entered-in-error'::text]))),
    CONSTRAINT loop_step_step_id_check CHECK ((step_id <> ''::text)),
    CONSTRAINT step_completed_by_evidence_or_reason CHECK (((status <> 'completed'::text) OR (cardinality(evidence) > 0) OR (closure_reason IS NOT NULL))),
    CONSTRAINT step_on_hold_wakes CHECK (((status <> 'on-hold'::text) OR ((hold_reason IS NOT NULL) AND (hold_by IS NOT NULL) AND (hold_until IS NOT NULL))))
)
WITH (fillfactor='85');

ALTER TABLE ONLY public.loop_step FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.loop_step.aside IS 'open, and somebody else owns the next step of the loop';

CREATE TABLE public.loop_wake (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    patient_id text NOT NULL,
    wake_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.loop_wake FORCE ROW LEVEL SECURITY;

CREATE TABLE public.medicine_checked (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    patient_id text NOT NULL COLLATE pg_catalog."C",
    medicines integer NOT NULL,
    not_checked integer NOT NULL,
    at timestamp with time zone NOT NULL,
    look_on date
);

ALTER TABLE ONLY public.medicine_checked FORCE ROW LEVEL SECURITY;

CREATE TABLE public.medicine_finding (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    patient_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    tier text NOT NULL,
    rules text[] NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL,
    fingerprint text NOT NULL,
    refs text[] NOT NULL COLLATE pg_catalog."C",
    body jsonb NOT NULL,
    fired timestamp with time zone NOT NULL,
    ended timestamp with time zone,
    decided_by text,
    why text,
    acted boolean DEFAULT false NOT NULL,
    CONSTRAINT medicine_finding_check CHECK (((state = 'overridden'::text) = ((decided_by IS NOT NULL) AND (why IS NOT NULL)))),
    CONSTRAINT medicine_finding_check1 CHECK (((state = 'resolved'::text) = (ended IS NOT NULL))),
    CONSTRAINT medicine_finding_kind_check CHECK ((kind = ANY (ARRAY['finding'::text, 'not-checked'::text]))),
    CONSTRAINT medicine_finding_state_check CHECK ((state = ANY (ARRAY['open'::text, 'overridden'::text, 'resolved'::text]))),
    CONSTRAINT medicine_finding_tier_check CHECK ((tier = ANY (ARRAY['contraindicated'::text, 'major'::text, 'moderate'::text, 'low'::text])))
);

ALTER TABLE ONLY public.medicine_finding FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.medicine_finding.acted IS 'a medicine was stopped, changed or held after the finding: it was actionable';

CREATE TABLE public.medicine_hold (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    statement text NOT NULL COLLATE pg_catalog."C",
    patient_id text NOT NULL COLLATE pg_catalog."C",
    reconciliation text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    until date,
    condition text DEFAULT ''::text NOT NULL,
    asked timestamp with time zone,
    over timestamp with time zone,
    CONSTRAINT medicine_hold_check CHECK (((until IS NOT NULL) OR (condition <> ''::text)))
);

ALTER TABLE ONLY public.medicine_hold FORCE ROW LEVEL SECURITY;

CREATE TABLE public.membership (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    patient_id text NOT NULL COLLATE pg_catalog."C",
    team_id text NOT NULL COLLATE pg_catalog."C",
    practitioner text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    ends timestamp with time zone
);

ALTER TABLE ONLY public.membership FORCE ROW LEVEL SECURITY;

CREATE TABLE public.migration (
    number integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.minutes_entry (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C",
    patient_id text NOT NULL COLLATE pg_catalog."C",
    who text NOT NULL COLLATE pg_catalog."C",
    activity text NOT NULL,
    started timestamp with time zone NOT NULL,
    ended timestamp with time zone NOT NULL,
    seconds integer NOT NULL,
    says text DEFAULT ''::text NOT NULL,
    counts boolean NOT NULL,
    CONSTRAINT minutes_entry_activity_check CHECK ((activity = ANY (ARRAY['call'::text, 'call-attempt'::text, 'message'::text, 'visit'::text, 'other'::text]))),
    CONSTRAINT minutes_entry_check CHECK ((started <= ended)),
    CONSTRAINT minutes_entry_seconds_check CHECK ((seconds > 0))
);

ALTER TABLE ONLY public.minutes_entry FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.minutes_entry.source IS 'Communication/<id> or Observation/<id>: the act that took the time';

COMMENT ON COLUMN public.minutes_entry.counts IS 'false for what was entered in error; a failed try keeps its activity, billing decides (BT-08)';

CREATE TABLE public.notice (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    person text NOT NULL COLLATE pg_catalog."C",
    card text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    patient_id text NOT NULL COLLATE pg_catalog."C",
    loop_id uuid,
    step_id text DEFAULT ''::text NOT NULL,
    safety boolean NOT NULL,
    way text NOT NULL,
    first timestamp with time zone NOT NULL,
    last timestamp with time zone NOT NULL,
    mailed timestamp with time zone,
    seen timestamp with time zone,
    opened timestamp with time zone,
    CONSTRAINT notice_opened_was_seen CHECK (((opened IS NULL) OR (seen IS NOT NULL))),
    CONSTRAINT notice_person_check CHECK ((person ~ '^Practitioner/.'::text)),
    CONSTRAINT notice_safety_is_told_now CHECK (((NOT safety) OR (way = 'now'::text))),
    CONSTRAINT notice_way_check CHECK ((way = ANY (ARRAY['now'::text, 'product'::text, 'digest'::text, 'off'::text])))
);

ALTER TABLE ONLY public.notice FORCE ROW LEVEL SECURITY;

CREATE TABLE public.notice_change (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    notice_id uuid NOT NULL,
    event_id bigint NOT NULL
);

ALTER TABLE ONLY public.notice_change FORCE ROW LEVEL SECURITY;

CREATE TABLE public.notice_choice (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    person text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    way text NOT NULL,
    chosen timestamp with time zone NOT NULL,
    CONSTRAINT notice_choice_way_check CHECK ((way = ANY (ARRAY['now'::text, 'product'::text, 'digest'::text, 'off'::text])))
);

ALTER TABLE ONLY public.notice_choice FORCE ROW LEVEL SECURITY;

CREATE TABLE public.notice_event (
    id bigint NOT NULL,
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    patient_id text NOT NULL COLLATE pg_catalog."C",
    thing text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL,
    loop_id uuid,
    step_id text DEFAULT ''::text NOT NULL,
    whom text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    by text DEFAULT ''::text NOT NULL,
    says text NOT NULL,
    told timestamp with time zone,
    CONSTRAINT notice_event_kind_check CHECK ((kind <> ''::text)),
    CONSTRAINT notice_event_says_check CHECK ((says <> ''::text))
);

ALTER TABLE ONLY public.notice_event FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.notice_event.thing IS 'what changed: Loop/<id>, Loop/<id>/<step>, Encounter/<id>';

COMMENT ON COLUMN public.notice_event.whom IS 'whom the change itself names: the new owner, who is asked, who is next; else empty';

ALTER TABLE public.notice_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.notice_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.notice_person (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    person text NOT NULL COLLATE pg_catalog."C",
    address text DEFAULT ''::text NOT NULL,
    digest_at time without time zone DEFAULT '07:30:00'::time without time zone NOT NULL,
    quiet_from time without time zone DEFAULT '19:00:00'::time without time zone NOT NULL,
    quiet_until time without time zone DEFAULT '07:00:00'::time without time zone NOT NULL,
    last_mail timestamp with time zone,
    last_digest date,
    failed text DEFAULT ''::text NOT NULL
);

ALTER TABLE ONLY public.notice_person FORCE ROW LEVEL SECURITY;

CREATE TABLE public.on_call (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    person text NOT NULL COLLATE pg_catalog."C",
    starts timestamp with time zone NOT NULL,
    ends timestamp with time zone NOT NULL,
    added_by text NOT NULL,
    CONSTRAINT on_call_check CHECK ((starts < ends)),
    CONSTRAINT on_call_person_check CHECK ((person ~ '^Practitioner/.'::text))
);

ALTER TABLE ONLY public.on_call FORCE ROW LEVEL SECURITY;

CREATE TABLE public.outbound_feed (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id integer NOT NULL,
    name text NOT NULL,
    host text NOT NULL,
    port integer NOT NULL,
    messages text[] NOT NULL,
    application text NOT NULL,
    facility text NOT NULL,
    after_seq bigint NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    added timestamp with time zone NOT NULL,
    CONSTRAINT outbound_feed_messages_check CHECK ((cardinality(messages) > 0)),
    CONSTRAINT outbound_feed_port_check CHECK (((port >= 1) AND (port <= 65535)))
);

ALTER TABLE ONLY public.outbound_feed FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.outbound_feed.messages IS 'names of maps in content/mappings/hl7v2-out: adt, oru, ref';

COMMENT ON COLUMN public.outbound_feed.application IS 'MSH-5 and, with facility, MSH-6';

ALTER TABLE public.outbound_feed ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbound_feed_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.ownership (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    loop_id uuid NOT NULL,
    step_id text NOT NULL,
    owner text NOT NULL,
    owned_from timestamp with time zone NOT NULL,
    owned_until timestamp with time zone,
    previous_until timestamp with time zone,
    by text NOT NULL,
    why text NOT NULL,
    CONSTRAINT ownership_follows_at_once CHECK ((previous_until = owned_from)),
    CONSTRAINT ownership_runs_forward CHECK ((owned_until > owned_from))
);

ALTER TABLE ONLY public.ownership FORCE ROW LEVEL SECURITY;

CREATE TABLE public.ownership_offer (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    loop_id uuid NOT NULL,
    giver text NOT NULL,
    taker text NOT NULL,
    why text NOT NULL,
    offered timestamp with time zone NOT NULL,
    answered timestamp with time zone,
    answer text,
    answer_why text,
    CONSTRAINT ownership_offer_answer_check CHECK ((answer = ANY (ARRAY['accepted'::text, 'declined'::text, 'withdrawn'::text]))),
    CONSTRAINT ownership_offer_check CHECK (((answered IS NULL) = (answer IS NULL))),
    CONSTRAINT ownership_offer_check1 CHECK ((giver <> taker))
);

ALTER TABLE ONLY public.ownership_offer FORCE ROW LEVEL SECURITY;

CREATE TABLE public.paper (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    digest bytea NOT NULL,
    name text NOT NULL,
    content_type text NOT NULL,
    content bytea,
    came timestamp with time zone NOT NULL,
    came_by text NOT NULL,
    source text NOT NULL,
    status text NOT NULL,
    late_at timestamp with time zone NOT NULL,
    split_from uuid,
    pages jsonb NOT NULL,
    said text DEFAULT ''::text NOT NULL,
    patient_id text,
    document text,
    kind text,
    matter text,
    settled timestamp with time zone,
    settled_by text,
    how text,
    why text,
    glanced timestamp with time zone,
    glanced_by text,
    CONSTRAINT paper_check CHECK (((status = 'waiting'::text) = (settled IS NULL))),
    CONSTRAINT paper_check1 CHECK (((status <> 'attached'::text) OR ((patient_id IS NOT NULL) AND (document IS NOT NULL) AND (how IS NOT NULL)))),
    CONSTRAINT paper_check2 CHECK (((status <> 'set-aside'::text) OR (why IS NOT NULL))),
    CONSTRAINT paper_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'attached'::text, 'set-aside'::text])))
);
ALTER TABLE ONLY public.paper ALTER COLUMN content SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.paper FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.paper.split_from IS 'the paper whose file this one shares';

COMMENT ON COLUMN public.paper.pages IS 'in reading order: {"page": place in the file, "turn": 0, 90, 180 or 270, "codes": sheet codes on it}';

COMMENT ON COLUMN public.paper.said IS 'the text layer of its pages, where the file has one';

CREATE TABLE public.paper_page (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    paper uuid NOT NULL,
    page integer NOT NULL,
    image bytea NOT NULL,
    CONSTRAINT paper_page_page_check CHECK ((page >= 0))
);
ALTER TABLE ONLY public.paper_page ALTER COLUMN image SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.paper_page FORCE ROW LEVEL SECURITY;

CREATE TABLE public.partner_code (
    hash bytea NOT NULL,
    belongs_to integer NOT NULL
);

CREATE TABLE public.partner_link (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    hash bytea NOT NULL,
    sheet_hash bytea NOT NULL,
    sheet_number text NOT NULL,
    purpose text NOT NULL,
    patient_id text NOT NULL,
    request text NOT NULL,
    task text,
    partner text NOT NULL,
    partner_reference text,
    asks text DEFAULT ''::text NOT NULL,
    expects text,
    created timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    expires timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    used timestamp with time zone,
    answer text,
    withdrawn timestamp with time zone,
    CONSTRAINT partner_link_check CHECK (((used IS NULL) = (answer IS NULL))),
    CONSTRAINT partner_link_check1 CHECK ((expires > created)),
    CONSTRAINT partner_link_partner_check CHECK ((partner <> ''::text)),
    CONSTRAINT partner_link_purpose_check CHECK ((purpose = ANY (ARRAY['specialist'::text, 'community'::text, 'facility'::text, 'caregiver'::text, 'assessment'::text, 'medicines'::text, 'education'::text, 'check-in'::text])))
);

ALTER TABLE ONLY public.partner_link FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.partner_link.sheet_number IS 'the part of the paper code that people say: L-1987';

COMMENT ON COLUMN public.partner_link.request IS 'Type/id of what the partner is asked: ServiceRequest, Communication, Task';

COMMENT ON COLUMN public.partner_link.task IS 'Type/id of the fulfilment Task that the answer moves';

COMMENT ON COLUMN public.partner_link.expects IS 'the kind of document that would answer it: an id of content/documents';

CREATE TABLE public.patient_features (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    patient_id text NOT NULL COLLATE pg_catalog."C",
    features jsonb NOT NULL
);

ALTER TABLE ONLY public.patient_features FORCE ROW LEVEL SECURITY;

CREATE TABLE public.patient_identifier (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    system text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    patient_id text NOT NULL COLLATE pg_catalog."C",
    skeleton text NOT NULL COLLATE pg_catalog."C",
    on_resource boolean DEFAULT false NOT NULL,
    prior_id text COLLATE pg_catalog."C",
    recorded timestamp with time zone NOT NULL,
    CONSTRAINT patient_identifier_value_check CHECK (((value <> ''::text) AND (length(value) <= 200)))
);

ALTER TABLE ONLY public.patient_identifier FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.patient_identifier.on_resource IS 'the number stands on the Patient resource; leaves with it';

COMMENT ON COLUMN public.patient_identifier.prior_id IS 'the merged-away patient that this number named first';

CREATE TABLE public.patient_key (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    key bigint NOT NULL,
    patient_id text NOT NULL COLLATE pg_catalog."C"
);

ALTER TABLE ONLY public.patient_key FORCE ROW LEVEL SECURITY;

CREATE TABLE public.patient_merge (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    prior_id text NOT NULL COLLATE pg_catalog."C",
    survivor_id text NOT NULL COLLATE pg_catalog."C",
    named_survivor_id text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL,
    merged timestamp with time zone NOT NULL,
    merged_by text NOT NULL,
    prior_was_active boolean,
    undone timestamp with time zone,
    undone_by text,
    CONSTRAINT patient_merge_check CHECK (((prior_id <> survivor_id) AND (prior_id <> named_survivor_id))),
    CONSTRAINT patient_merge_check1 CHECK (((undone IS NULL) = (undone_by IS NULL)))
);

ALTER TABLE ONLY public.patient_merge FORCE ROW LEVEL SECURITY;

CREATE TABLE public.patient_merge_moved (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    merge_id text NOT NULL COLLATE pg_catalog."C",
    resource_type text NOT NULL COLLATE pg_catalog."C",
    resource_id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    original text NOT NULL,
    paths text[]
);

ALTER TABLE ONLY public.patient_merge_moved FORCE ROW LEVEL SECURITY;

CREATE TABLE public.patient_trait (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    patient_id text NOT NULL,
    CONSTRAINT patient_trait_kind_check CHECK ((kind = ANY (ARRAY['language'::text, 'programme'::text])))
);

ALTER TABLE ONLY public.patient_trait FORCE ROW LEVEL SECURITY;

CREATE TABLE public.pending_merge (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    system text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    prior_id text NOT NULL COLLATE pg_catalog."C",
    survivor_id text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL,
    recorded timestamp with time zone NOT NULL,
    appeared timestamp with time zone
);

ALTER TABLE ONLY public.pending_merge FORCE ROW LEVEL SECURITY;

CREATE TABLE public.person_fact (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    patient_id text NOT NULL,
    told jsonb NOT NULL
);

ALTER TABLE ONLY public.person_fact FORCE ROW LEVEL SECURITY;

CREATE TABLE public.person_match (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    step_task_id text NOT NULL COLLATE pg_catalog."C",
    left_id text NOT NULL COLLATE pg_catalog."C",
    right_id text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL,
    points numeric NOT NULL,
    grade text NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    opened timestamp with time zone NOT NULL,
    due timestamp with time zone NOT NULL,
    decided timestamp with time zone,
    decided_by text,
    why text,
    merge_id text COLLATE pg_catalog."C",
    announced text,
    asking text,
    decided_points numeric,
    CONSTRAINT person_match_check CHECK ((left_id < right_id)),
    CONSTRAINT person_match_check1 CHECK (((state = ANY (ARRAY['same'::text, 'different'::text])) = ((decided IS NOT NULL) AND (decided_by IS NOT NULL) AND (why IS NOT NULL)))),
    CONSTRAINT person_match_reason_check CHECK ((reason = ANY (ARRAY['demographics'::text, 'identifier-conflict'::text, 'look-alike'::text, 'prior-appeared'::text]))),
    CONSTRAINT person_match_state_check CHECK ((state = ANY (ARRAY['open'::text, 'asking'::text, 'same'::text, 'different'::text, 'withdrawn'::text])))
);

ALTER TABLE ONLY public.person_match FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.person_match.asking IS 'what somebody has to find out before it can be decided';

COMMENT ON COLUMN public.person_match.decided_points IS 'the evidence that a decision rested on; empty: never ask again';

CREATE TABLE public.process (
    name text NOT NULL,
    pid integer NOT NULL,
    seen timestamp with time zone NOT NULL
);

CREATE TABLE public.published_view (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    resource_type text NOT NULL,
    definition jsonb NOT NULL,
    row_count integer NOT NULL,
    published timestamp with time zone NOT NULL,
    CONSTRAINT published_view_name_check CHECK ((name ~ '^[A-Za-z][A-Za-z0-9_]{0,62}$'::text))
);

ALTER TABLE ONLY public.published_view FORCE ROW LEVEL SECURITY;

CREATE TABLE public.published_view_row (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    view text NOT NULL COLLATE pg_catalog."C",
    number integer NOT NULL,
    cells jsonb NOT NULL
);

ALTER TABLE ONLY public.published_view_row FORCE ROW LEVEL SECURITY;

CREATE TABLE public.rank_report (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    loop_id uuid NOT NULL,
    pathway text NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    "position" integer,
    points integer NOT NULL,
    parts jsonb NOT NULL,
    says text NOT NULL,
    should text NOT NULL,
    answered timestamp with time zone,
    answered_by text,
    answer text,
    CONSTRAINT rank_report_check CHECK (((answered IS NULL) = (answer IS NULL))),
    CONSTRAINT rank_report_check1 CHECK (((answered IS NULL) = (answered_by IS NULL)))
);

ALTER TABLE ONLY public.rank_report FORCE ROW LEVEL SECURITY;

CREATE TABLE public.reconciliation (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    patient_id text NOT NULL COLLATE pg_catalog."C",
    matter text,
    opened timestamp with time zone NOT NULL,
    opened_by text NOT NULL,
    kept boolean DEFAULT false NOT NULL,
    decisions jsonb DEFAULT '{}'::jsonb NOT NULL,
    judged jsonb DEFAULT '{"two": [], "same": []}'::jsonb NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    saved timestamp with time zone NOT NULL,
    saved_by text NOT NULL,
    finished timestamp with time zone,
    finished_by text,
    withdrawn timestamp with time zone,
    CONSTRAINT reconciliation_check CHECK (((finished IS NULL) = (finished_by IS NULL))),
    CONSTRAINT reconciliation_check1 CHECK (((withdrawn IS NULL) OR (finished IS NOT NULL)))
);

ALTER TABLE ONLY public.reconciliation FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.reconciliation.matter IS 'Type/id of the resource that the loop is about: the Procedure names it in basedOn';

CREATE TABLE public.referral (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    request_id text NOT NULL COLLATE pg_catalog."C",
    task_id text COLLATE pg_catalog."C",
    patient_id text NOT NULL COLLATE pg_catalog."C",
    clinic text NOT NULL COLLATE pg_catalog."C",
    clinic_name text NOT NULL,
    service text NOT NULL,
    payer text NOT NULL,
    language text NOT NULL,
    priority text NOT NULL,
    state text NOT NULL,
    board text,
    is_open boolean NOT NULL,
    since timestamp with time zone,
    due timestamp with time zone,
    due_because text NOT NULL,
    clock_start date,
    see_by date,
    sent timestamp with time zone,
    answered timestamp with time zone,
    scheduled timestamp with time zone,
    visit_on timestamp with time zone,
    seen timestamp with time zone,
    reported timestamp with time zone,
    reviewed timestamp with time zone,
    ended timestamp with time zone,
    no_shows integer NOT NULL,
    silent integer NOT NULL,
    reminded timestamp with time zone,
    CONSTRAINT referral_check CHECK ((is_open = (ended IS NULL)))
);

ALTER TABLE ONLY public.referral FORCE ROW LEVEL SECURITY;

CREATE TABLE public.resource (
    key bigint NOT NULL,
    last_updated timestamp with time zone NOT NULL,
    digest bigint NOT NULL,
    self bigint NOT NULL,
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    version integer NOT NULL,
    deleted boolean DEFAULT false NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    patient_id text COLLATE pg_catalog."C",
    tokens bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    present bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    refs text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    body text,
    CONSTRAINT resource_check CHECK ((deleted = (body IS NULL))),
    CONSTRAINT resource_id_check CHECK (((length(id) >= 1) AND (length(id) <= 64))),
    CONSTRAINT resource_version_check CHECK ((version > 0))
)
WITH (toast_tuple_target='4080', autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.5');
ALTER TABLE ONLY public.resource ALTER COLUMN body SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.resource FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.resource.digest IS 'hash of the content without meta.versionId and meta.lastUpdated';

COMMENT ON COLUMN public.resource.self IS 'hash of type/id: the XOR of it and a reference field is the token of a reference here';

COMMENT ON COLUMN public.resource.tokens IS 'what stands in resource_token for this resource';

COMMENT ON COLUMN public.resource.present IS 'tokens that say which parameters have a value; for :missing';

COMMENT ON COLUMN public.resource.refs IS 'the type/id that this version refers to; which parameter does, the tokens say';

COMMENT ON COLUMN public.resource.body IS 'the exact text that a read answers with';

CREATE TABLE public.resource_date (
    field bigint NOT NULL,
    low timestamp with time zone NOT NULL,
    high timestamp with time zone NOT NULL,
    key bigint NOT NULL,
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    shape smallint NOT NULL,
    CONSTRAINT resource_date_check CHECK ((low <= high)),
    CONSTRAINT resource_date_shape_check CHECK (((shape >= 0) AND (shape <= 2)))
);

ALTER TABLE ONLY public.resource_date FORCE ROW LEVEL SECURITY;

CREATE TABLE public.resource_history (
    key bigint NOT NULL,
    last_updated timestamp with time zone NOT NULL,
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    version integer NOT NULL,
    deleted boolean NOT NULL,
    patient_id text COLLATE pg_catalog."C",
    body text
);
ALTER TABLE ONLY public.resource_history ALTER COLUMN body SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.resource_history FORCE ROW LEVEL SECURITY;

CREATE SEQUENCE public.resource_key
    START WITH 1000
    INCREMENT BY 1000
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.resource_quantity (
    field bigint NOT NULL,
    value double precision NOT NULL,
    key bigint NOT NULL,
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    dimension bigint,
    base double precision,
    unit text COLLATE pg_catalog."C",
    CONSTRAINT resource_quantity_check CHECK (((dimension IS NULL) = (base IS NULL)))
);

ALTER TABLE ONLY public.resource_quantity FORCE ROW LEVEL SECURITY;

CREATE TABLE public.resource_string (
    field bigint NOT NULL,
    key bigint NOT NULL,
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    value text NOT NULL COLLATE pg_catalog."C"
);

ALTER TABLE ONLY public.resource_string FORCE ROW LEVEL SECURITY;

CREATE TABLE public.resource_token (
    token bigint NOT NULL,
    key bigint NOT NULL,
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL
)
WITH (autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.5');
ALTER TABLE ONLY public.resource_token ALTER COLUMN token SET STATISTICS 1000;
ALTER TABLE ONLY public.resource_token ALTER COLUMN token SET (n_distinct=-0.07);

ALTER TABLE ONLY public.resource_token FORCE ROW LEVEL SECURITY;

CREATE TABLE public.resource_word (
    field bigint NOT NULL,
    token bigint NOT NULL,
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    value text NOT NULL COLLATE pg_catalog."C"
);

ALTER TABLE ONLY public.resource_word FORCE ROW LEVEL SECURITY;

CREATE TABLE public.responsibility (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    patient_id text NOT NULL COLLATE pg_catalog."C",
    facts jsonb NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.responsibility FORCE ROW LEVEL SECURITY;

CREATE TABLE public.responsibility_look (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    patient_id text NOT NULL COLLATE pg_catalog."C"
);

ALTER TABLE ONLY public.responsibility_look FORCE ROW LEVEL SECURITY;

CREATE TABLE public.rule_event (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id bigint NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    version_id uuid,
    what text NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    by_name text NOT NULL,
    why text DEFAULT ''::text NOT NULL,
    CONSTRAINT rule_event_back_says_why CHECK (((what <> ALL (ARRAY['returned'::text, 'republished'::text, 'product'::text])) OR (why <> ''::text))),
    CONSTRAINT rule_event_what_check CHECK ((what = ANY (ARRAY['made'::text, 'changed'::text, 'rehearsed'::text, 'sent'::text, 'returned'::text, 'published'::text, 'republished'::text, 'product'::text, 'discarded'::text])))
);

ALTER TABLE ONLY public.rule_event FORCE ROW LEVEL SECURITY;

ALTER TABLE public.rule_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rule_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.rule_rehearsal (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    version_id uuid NOT NULL,
    edition integer NOT NULL,
    days integer NOT NULL,
    status text NOT NULL,
    asked timestamp with time zone NOT NULL,
    asked_by text NOT NULL,
    asked_by_name text NOT NULL,
    beat timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    total integer,
    finished timestamp with time zone,
    report jsonb,
    fault text,
    CONSTRAINT rule_rehearsal_check CHECK (((status = 'done'::text) = (report IS NOT NULL))),
    CONSTRAINT rule_rehearsal_days_check CHECK (((days >= 1) AND (days <= 366))),
    CONSTRAINT rule_rehearsal_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text])))
);

ALTER TABLE ONLY public.rule_rehearsal FORCE ROW LEVEL SECURITY;

CREATE TABLE public.rule_version (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    number integer NOT NULL,
    status text NOT NULL,
    document json NOT NULL,
    digest text NOT NULL,
    base_digest text NOT NULL,
    edition integer DEFAULT 1 NOT NULL,
    authors text[] NOT NULL,
    author_name text NOT NULL,
    reviewer text,
    reviewer_name text,
    note text NOT NULL,
    created timestamp with time zone NOT NULL,
    changed timestamp with time zone NOT NULL,
    published timestamp with time zone,
    effective timestamp with time zone,
    CONSTRAINT rule_published_was_reviewed CHECK (((status <> ALL (ARRAY['published'::text, 'retired'::text])) OR ((reviewer IS NOT NULL) AND (published IS NOT NULL) AND (effective IS NOT NULL)))),
    CONSTRAINT rule_reviewed_by_another CHECK (((reviewer IS NULL) OR (reviewer <> ALL (authors)))),
    CONSTRAINT rule_version_authors_check CHECK ((cardinality(authors) > 0)),
    CONSTRAINT rule_version_kind_check CHECK ((kind = ANY (ARRAY['pathways'::text, 'worklist'::text]))),
    CONSTRAINT rule_version_number_check CHECK ((number > 0)),
    CONSTRAINT rule_version_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'in-review'::text, 'published'::text, 'retired'::text, 'discarded'::text])))
);

ALTER TABLE ONLY public.rule_version FORCE ROW LEVEL SECURITY;

CREATE TABLE public.saved_view (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id uuid NOT NULL,
    person text NOT NULL,
    name text NOT NULL,
    query text NOT NULL,
    shared boolean NOT NULL,
    made timestamp with time zone NOT NULL,
    CONSTRAINT saved_view_name_check CHECK (((length(name) >= 1) AND (length(name) <= 60)))
);

ALTER TABLE ONLY public.saved_view FORCE ROW LEVEL SECURITY;

CREATE TABLE public.search_index (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    parameters jsonb NOT NULL,
    fingerprint text NOT NULL,
    target text,
    reached_type text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    reached_key bigint DEFAULT '-1'::integer NOT NULL
);

ALTER TABLE ONLY public.search_index FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.search_index.parameters IS 'Base.code: hash of the definition by which all resources are indexed';

COMMENT ON COLUMN public.search_index.fingerprint IS 'hash of all of these';

COMMENT ON COLUMN public.search_index.target IS 'fingerprint of the definitions of the run that is under way';

CREATE SEQUENCE public.sheet_number
    START WITH 1001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.sign_in_throttle (
    key bytea NOT NULL,
    failures integer NOT NULL,
    last_failure timestamp with time zone NOT NULL,
    blocked_until timestamp with time zone NOT NULL
);

CREATE TABLE public.staff_profile (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    practitioner text NOT NULL COLLATE pg_catalog."C",
    languages text[] DEFAULT '{}'::text[] NOT NULL,
    states text[] DEFAULT '{}'::text[] NOT NULL,
    licences jsonb DEFAULT '[]'::jsonb NOT NULL,
    working jsonb DEFAULT '{}'::jsonb NOT NULL
);

ALTER TABLE ONLY public.staff_profile FORCE ROW LEVEL SECURITY;

CREATE TABLE public.staff_seat (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    role text NOT NULL COLLATE pg_catalog."C",
    quality text NOT NULL COLLATE pg_catalog."C",
    spin bigint NOT NULL,
    practitioner text NOT NULL COLLATE pg_catalog."C"
);

ALTER TABLE ONLY public.staff_seat FORCE ROW LEVEL SECURITY;

CREATE TABLE public.staff_session (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    token_hash bytea NOT NULL,
    account_id text NOT NULL,
    stage text NOT NULL,
    created timestamp with time zone NOT NULL,
    seen timestamp with time zone NOT NULL,
    ends timestamp with time zone NOT NULL,
    CONSTRAINT staff_session_stage_check CHECK ((stage = ANY (ARRAY['password'::text, 'full'::text])))
);

ALTER TABLE ONLY public.staff_session FORCE ROW LEVEL SECURITY;

CREATE TABLE public.stay_event (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id bigint NOT NULL,
    encounter_id text NOT NULL,
    code text NOT NULL,
    effect text NOT NULL,
    event_time timestamp with time zone NOT NULL,
    recorded timestamp with time zone NOT NULL,
    received timestamp with time zone NOT NULL,
    patient_id text NOT NULL,
    prior_patient_id text,
    content jsonb NOT NULL,
    digest bytea NOT NULL,
    inbox_id bigint NOT NULL,
    unmatched boolean DEFAULT false NOT NULL,
    raised timestamp with time zone
);

ALTER TABLE ONLY public.stay_event FORCE ROW LEVEL SECURITY;

ALTER TABLE public.stay_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.stay_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.subscription (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL,
    version integer NOT NULL,
    owner text NOT NULL,
    owner_name text NOT NULL,
    scopes text[] NOT NULL,
    fingerprint text NOT NULL,
    after_seq bigint NOT NULL,
    events bigint DEFAULT 0 NOT NULL,
    sent bigint DEFAULT 0 NOT NULL,
    heartbeat_due timestamp with time zone,
    reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT subscription_status_check CHECK ((status = ANY (ARRAY['requested'::text, 'active'::text, 'error'::text, 'off'::text])))
);

ALTER TABLE ONLY public.subscription FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.subscription.scopes IS 'what its owner could do when it was asked for; the owner of today is asked too';

COMMENT ON COLUMN public.subscription.after_seq IS 'the change feed at the time when it was asked for';

COMMENT ON COLUMN public.subscription.sent IS 'the last event that a websocket took';

CREATE TABLE public.subscription_event (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    subscription text NOT NULL COLLATE pg_catalog."C",
    number bigint NOT NULL,
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    change text NOT NULL,
    CONSTRAINT subscription_event_change_check CHECK ((change = ANY (ARRAY['created'::text, 'updated'::text, 'deleted'::text])))
);

ALTER TABLE ONLY public.subscription_event FORCE ROW LEVEL SECURITY;

CREATE TABLE public.tenant (
    id integer NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    zone text NOT NULL,
    production boolean DEFAULT false NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created timestamp with time zone NOT NULL,
    rules_revision integer DEFAULT 0 NOT NULL,
    CONSTRAINT tenant_slug_check CHECK ((slug ~ '^[a-z][a-z0-9-]{1,40}$'::text))
);

ALTER TABLE public.tenant ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.tenant_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.visit_link (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    secret_hash bytea NOT NULL,
    appointment_id text NOT NULL COLLATE pg_catalog."C",
    party text NOT NULL,
    made timestamp with time zone NOT NULL,
    opened timestamp with time zone
);

ALTER TABLE ONLY public.visit_link FORCE ROW LEVEL SECURITY;

CREATE TABLE public.visit_offer (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    waiting_id text NOT NULL COLLATE pg_catalog."C",
    patient_id text NOT NULL COLLATE pg_catalog."C",
    actor text NOT NULL COLLATE pg_catalog."C",
    starts timestamp with time zone NOT NULL,
    ends timestamp with time zone NOT NULL,
    freed_by text NOT NULL COLLATE pg_catalog."C",
    freed_until timestamp with time zone NOT NULL,
    owner text NOT NULL COLLATE pg_catalog."C",
    why text NOT NULL,
    state text NOT NULL,
    offered timestamp with time zone NOT NULL,
    expires timestamp with time zone NOT NULL,
    answered timestamp with time zone,
    answered_by text,
    CONSTRAINT visit_offer_check CHECK (((state = 'open'::text) = (answered IS NULL))),
    CONSTRAINT visit_offer_state_check CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text, 'declined'::text, 'expired'::text, 'withdrawn'::text])))
);

ALTER TABLE ONLY public.visit_offer FORCE ROW LEVEL SECURITY;

CREATE TABLE public.websocket_token (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    hash bytea NOT NULL,
    subscriptions text[] NOT NULL,
    owner text NOT NULL,
    expires timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.websocket_token FORCE ROW LEVEL SECURITY;

CREATE TABLE public.weekly_choice (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    person text NOT NULL COLLATE pg_catalog."C",
    weekday integer NOT NULL,
    CONSTRAINT weekly_choice_person_check CHECK ((person ~ '^Practitioner/.'::text)),
    CONSTRAINT weekly_choice_weekday_check CHECK (((weekday >= 0) AND (weekday <= 7)))
);

ALTER TABLE ONLY public.weekly_choice FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN public.weekly_choice.weekday IS 'ISO day of the week, 0 for never';

CREATE TABLE public.weekly_sent (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    person text NOT NULL COLLATE pg_catalog."C",
    day date NOT NULL,
    CONSTRAINT weekly_sent_person_check CHECK ((person ~ '^Practitioner/.'::text))
);

ALTER TABLE ONLY public.weekly_sent FORCE ROW LEVEL SECURITY;

CREATE TABLE public.work_day (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    person text NOT NULL,
    day date NOT NULL,
    minutes integer NOT NULL,
    why text NOT NULL,
    CONSTRAINT work_day_minutes_check CHECK (((minutes >= 0) AND (minutes <= 1440)))
);

ALTER TABLE ONLY public.work_day FORCE ROW LEVEL SECURITY;

CREATE TABLE public.work_minutes (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    person text NOT NULL,
    weekday smallint NOT NULL,
    minutes integer NOT NULL,
    CONSTRAINT work_minutes_minutes_check CHECK (((minutes >= 0) AND (minutes <= 1440))),
    CONSTRAINT work_minutes_weekday_check CHECK (((weekday >= 0) AND (weekday <= 6)))
);

ALTER TABLE ONLY public.work_minutes FORCE ROW LEVEL SECURITY;

CREATE TABLE public.worklist_clock (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    at timestamp with time zone NOT NULL,
    tomorrow timestamp with time zone NOT NULL,
    day_after timestamp with time zone NOT NULL,
    zone text NOT NULL,
    weights integer[] NOT NULL,
    digest text NOT NULL,
    counted timestamp with time zone
);

ALTER TABLE ONLY public.worklist_clock FORCE ROW LEVEL SECURITY;

CREATE TABLE public.worklist_total (
    tenant_id integer DEFAULT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer NOT NULL,
    pathway text NOT NULL,
    tier text NOT NULL,
    section smallint NOT NULL,
    snoozed boolean NOT NULL,
    total integer NOT NULL,
    late integer NOT NULL
);

ALTER TABLE ONLY public.worklist_total FORCE ROW LEVEL SECURITY;

ALTER TABLE ONLY public.absence
    ADD CONSTRAINT absence_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.access_token
    ADD CONSTRAINT access_token_pkey PRIMARY KEY (tenant_id, token_hash);

ALTER TABLE ONLY public.account_address
    ADD CONSTRAINT account_address_pkey PRIMARY KEY (tenant_id, account_id, address_hash);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_tenant_id_practitioner_id_key UNIQUE (tenant_id, practitioner_id);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_tenant_id_username_key UNIQUE (tenant_id, username);

ALTER TABLE ONLY public.act_receipt
    ADD CONSTRAINT act_receipt_pkey PRIMARY KEY (tenant_id, by, key);

ALTER TABLE ONLY public.allowed_host
    ADD CONSTRAINT allowed_host_pkey PRIMARY KEY (tenant_id, host);

ALTER TABLE ONLY public.app_grant
    ADD CONSTRAINT app_grant_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.app_launch
    ADD CONSTRAINT app_launch_pkey PRIMARY KEY (tenant_id, launch_hash);

ALTER TABLE ONLY public.app_ticket
    ADD CONSTRAINT app_ticket_pkey PRIMARY KEY (tenant_id, ticket_hash);

ALTER TABLE ONLY public.assessment_due
    ADD CONSTRAINT assessment_due_pkey PRIMARY KEY (tenant_id, patient_id, instrument);

ALTER TABLE ONLY public.assessment_share
    ADD CONSTRAINT assessment_share_pkey PRIMARY KEY (tenant_id, link_id);

ALTER TABLE ONLY public.audit_event
    ADD CONSTRAINT audit_event_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.audit_seal
    ADD CONSTRAINT audit_seal_pkey PRIMARY KEY (tenant_id, number);

ALTER TABLE ONLY public.booking
    ADD CONSTRAINT booking_pkey PRIMARY KEY (tenant_id, holder, actor);

ALTER TABLE ONLY public.bulk_job
    ADD CONSTRAINT bulk_job_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.calendar_feed
    ADD CONSTRAINT calendar_feed_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.calendar_feed
    ADD CONSTRAINT calendar_feed_tenant_id_secret_hash_key UNIQUE (tenant_id, secret_hash);

ALTER TABLE ONLY public.care_plan_review
    ADD CONSTRAINT care_plan_review_pkey PRIMARY KEY (tenant_id, plan_id);

ALTER TABLE ONLY public.cds_feedback
    ADD CONSTRAINT cds_feedback_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.cds_issuer
    ADD CONSTRAINT cds_issuer_id_key UNIQUE (id);

ALTER TABLE ONLY public.cds_issuer
    ADD CONSTRAINT cds_issuer_pkey PRIMARY KEY (iss);

ALTER TABLE ONLY public.cds_request
    ADD CONSTRAINT cds_request_pkey PRIMARY KEY (tenant_id, issuer_id, jti);

ALTER TABLE ONLY public.change_feed
    ADD CONSTRAINT change_feed_pkey PRIMARY KEY (tenant_id, seq);

ALTER TABLE ONLY public.chart_look
    ADD CONSTRAINT chart_look_pkey PRIMARY KEY (tenant_id, who, patient_id);

ALTER TABLE ONLY public.check_in_clock
    ADD CONSTRAINT check_in_clock_pkey PRIMARY KEY (tenant_id, patient_id);

ALTER TABLE ONLY public.check_in
    ADD CONSTRAINT check_in_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.client_assertion
    ADD CONSTRAINT client_assertion_pkey PRIMARY KEY (tenant_id, client_id, jti);

ALTER TABLE ONLY public.client
    ADD CONSTRAINT client_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.competency
    ADD CONSTRAINT competency_pkey PRIMARY KEY (tenant_id, practitioner, kind, issued);

ALTER TABLE ONLY public.conference_item
    ADD CONSTRAINT conference_item_pkey PRIMARY KEY (tenant_id, conference_id, loop_id);

ALTER TABLE ONLY public.conference
    ADD CONSTRAINT conference_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.conference_vote
    ADD CONSTRAINT conference_vote_pkey PRIMARY KEY (tenant_id, conference_id, loop_id, member);

ALTER TABLE ONLY public.contradiction
    ADD CONSTRAINT contradiction_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.delivery_target
    ADD CONSTRAINT delivery_target_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_tenant_id_idempotency_key UNIQUE (tenant_id, idempotency);

ALTER TABLE ONLY public.diary
    ADD CONSTRAINT diary_number_key UNIQUE (number);

ALTER TABLE ONLY public.diary
    ADD CONSTRAINT diary_pkey PRIMARY KEY (tenant_id, actor);

ALTER TABLE ONLY public.digest
    ADD CONSTRAINT digest_pkey PRIMARY KEY (tenant_id, day);

ALTER TABLE ONLY public.ehr
    ADD CONSTRAINT ehr_id_key UNIQUE (id);

ALTER TABLE ONLY public.ehr
    ADD CONSTRAINT ehr_pkey PRIMARY KEY (iss);

ALTER TABLE ONLY public.escalation
    ADD CONSTRAINT escalation_pkey PRIMARY KEY (tenant_id, loop_id, step_id, key);

ALTER TABLE ONLY public.feed_cursor
    ADD CONSTRAINT feed_cursor_pkey PRIMARY KEY (tenant_id, reader);

ALTER TABLE ONLY public.feed
    ADD CONSTRAINT feed_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.feed_version
    ADD CONSTRAINT feed_version_pkey PRIMARY KEY (tenant_id, feed_id, version);

ALTER TABLE ONLY public.hand_over_item
    ADD CONSTRAINT hand_over_item_pkey PRIMARY KEY (tenant_id, hand_over_id, loop_id);

ALTER TABLE ONLY public.hand_over
    ADD CONSTRAINT hand_over_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.home_alert
    ADD CONSTRAINT home_alert_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.home_alert
    ADD CONSTRAINT home_alert_tenant_id_patient_id_alert_number_key UNIQUE (tenant_id, patient_id, alert, number);

ALTER TABLE ONLY public.home_plan
    ADD CONSTRAINT home_plan_pkey PRIMARY KEY (tenant_id, patient_id);

ALTER TABLE ONLY public.home_reading
    ADD CONSTRAINT home_reading_pkey PRIMARY KEY (tenant_id, patient_id, id);

ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.instance
    ADD CONSTRAINT instance_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.lead_offer
    ADD CONSTRAINT lead_offer_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.lead
    ADD CONSTRAINT lead_pkey PRIMARY KEY (tenant_id, patient_id, led_from);

ALTER TABLE ONLY public.lead
    ADD CONSTRAINT lead_tenant_id_patient_id_led_until_key UNIQUE NULLS NOT DISTINCT (tenant_id, patient_id, led_until);

ALTER TABLE ONLY public.lead
    ADD CONSTRAINT lead_tenant_id_patient_id_previous_until_key UNIQUE NULLS NOT DISTINCT (tenant_id, patient_id, previous_until);

ALTER TABLE ONLY public.loop_act
    ADD CONSTRAINT loop_act_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.loop_clock
    ADD CONSTRAINT loop_clock_pkey PRIMARY KEY (tenant_id, loop_id);

ALTER TABLE ONLY public.loop_note
    ADD CONSTRAINT loop_note_pkey PRIMARY KEY (tenant_id, key);

ALTER TABLE ONLY public.loop
    ADD CONSTRAINT loop_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.loop_place
    ADD CONSTRAINT loop_place_pkey PRIMARY KEY (tenant_id, loop_id);

ALTER TABLE ONLY public.loop_step
    ADD CONSTRAINT loop_step_pkey PRIMARY KEY (tenant_id, loop_id, step_id);

ALTER TABLE ONLY public.loop_wake
    ADD CONSTRAINT loop_wake_pkey PRIMARY KEY (tenant_id, patient_id);

ALTER TABLE ONLY public.medicine_checked
    ADD CONSTRAINT medicine_checked_pkey PRIMARY KEY (tenant_id, patient_id);

ALTER TABLE ONLY public.medicine_finding
    ADD CONSTRAINT medicine_finding_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.medicine_hold
    ADD CONSTRAINT medicine_hold_pkey PRIMARY KEY (tenant_id, statement);

ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_pkey PRIMARY KEY (tenant_id, patient_id, team_id, practitioner, role);

ALTER TABLE ONLY public.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.minutes_entry
    ADD CONSTRAINT minutes_entry_pkey PRIMARY KEY (tenant_id, source);

ALTER TABLE ONLY public.booking
    ADD CONSTRAINT nobody_twice EXCLUDE USING gist (lane WITH &&) WHERE ((NOT clash));

ALTER TABLE ONLY public.notice_change
    ADD CONSTRAINT notice_change_pkey PRIMARY KEY (tenant_id, notice_id, event_id);

ALTER TABLE ONLY public.notice_choice
    ADD CONSTRAINT notice_choice_pkey PRIMARY KEY (tenant_id, person, kind);

ALTER TABLE ONLY public.notice_event
    ADD CONSTRAINT notice_event_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.notice_person
    ADD CONSTRAINT notice_person_pkey PRIMARY KEY (tenant_id, person);

ALTER TABLE ONLY public.notice
    ADD CONSTRAINT notice_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.on_call
    ADD CONSTRAINT on_call_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.outbound_feed
    ADD CONSTRAINT outbound_feed_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.ownership_offer
    ADD CONSTRAINT ownership_offer_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.ownership
    ADD CONSTRAINT ownership_pkey PRIMARY KEY (tenant_id, loop_id, step_id, owned_from);

ALTER TABLE ONLY public.ownership
    ADD CONSTRAINT ownership_tenant_id_loop_id_step_id_owned_until_key UNIQUE NULLS NOT DISTINCT (tenant_id, loop_id, step_id, owned_until);

ALTER TABLE ONLY public.ownership
    ADD CONSTRAINT ownership_tenant_id_loop_id_step_id_previous_until_key UNIQUE NULLS NOT DISTINCT (tenant_id, loop_id, step_id, previous_until);

ALTER TABLE ONLY public.paper_page
    ADD CONSTRAINT paper_page_pkey PRIMARY KEY (tenant_id, paper, page);

ALTER TABLE ONLY public.paper
    ADD CONSTRAINT paper_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.partner_code
    ADD CONSTRAINT partner_code_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY public.partner_link
    ADD CONSTRAINT partner_link_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.partner_link
    ADD CONSTRAINT partner_link_tenant_id_hash_key UNIQUE (tenant_id, hash);

ALTER TABLE ONLY public.partner_link
    ADD CONSTRAINT partner_link_tenant_id_sheet_hash_key UNIQUE (tenant_id, sheet_hash);

ALTER TABLE ONLY public.patient_features
    ADD CONSTRAINT patient_features_pkey PRIMARY KEY (tenant_id, patient_id);

ALTER TABLE ONLY public.patient_identifier
    ADD CONSTRAINT patient_identifier_pkey PRIMARY KEY (tenant_id, system, value);

ALTER TABLE ONLY public.patient_key
    ADD CONSTRAINT patient_key_pkey PRIMARY KEY (tenant_id, key, patient_id);

ALTER TABLE ONLY public.patient_merge_moved
    ADD CONSTRAINT patient_merge_moved_pkey PRIMARY KEY (tenant_id, merge_id, resource_type, resource_id);

ALTER TABLE ONLY public.patient_merge
    ADD CONSTRAINT patient_merge_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.patient_trait
    ADD CONSTRAINT patient_trait_pkey PRIMARY KEY (tenant_id, kind, value, patient_id);

ALTER TABLE ONLY public.pending_merge
    ADD CONSTRAINT pending_merge_pkey PRIMARY KEY (tenant_id, system, value);

ALTER TABLE ONLY public.person_fact
    ADD CONSTRAINT person_fact_pkey PRIMARY KEY (tenant_id, patient_id);

ALTER TABLE ONLY public.person_match
    ADD CONSTRAINT person_match_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.person_match
    ADD CONSTRAINT person_match_tenant_id_left_id_right_id_key UNIQUE (tenant_id, left_id, right_id);

ALTER TABLE ONLY public.process
    ADD CONSTRAINT process_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.published_view
    ADD CONSTRAINT published_view_pkey PRIMARY KEY (tenant_id, name);

ALTER TABLE ONLY public.published_view_row
    ADD CONSTRAINT published_view_row_pkey PRIMARY KEY (tenant_id, view, number);

ALTER TABLE ONLY public.rank_report
    ADD CONSTRAINT rank_report_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.reconciliation
    ADD CONSTRAINT reconciliation_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.referral
    ADD CONSTRAINT referral_pkey PRIMARY KEY (tenant_id, request_id);

ALTER TABLE ONLY public.resource_history
    ADD CONSTRAINT resource_history_pkey PRIMARY KEY (tenant_id, key, version);

ALTER TABLE ONLY public.resource
    ADD CONSTRAINT resource_pkey PRIMARY KEY (tenant_id, key);

ALTER TABLE ONLY public.resource
    ADD CONSTRAINT resource_tenant_id_type_id_key UNIQUE (tenant_id, type, id);

ALTER TABLE ONLY public.resource_token
    ADD CONSTRAINT resource_token_pkey PRIMARY KEY (tenant_id, token, key);

ALTER TABLE ONLY public.responsibility_look
    ADD CONSTRAINT responsibility_look_pkey PRIMARY KEY (tenant_id, patient_id);

ALTER TABLE ONLY public.responsibility
    ADD CONSTRAINT responsibility_pkey PRIMARY KEY (tenant_id, patient_id);

ALTER TABLE ONLY public.rule_event
    ADD CONSTRAINT rule_event_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.rule_rehearsal
    ADD CONSTRAINT rule_rehearsal_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.rule_version
    ADD CONSTRAINT rule_version_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.rule_version
    ADD CONSTRAINT rule_version_tenant_id_kind_name_number_key UNIQUE (tenant_id, kind, name, number);

ALTER TABLE ONLY public.saved_view
    ADD CONSTRAINT saved_view_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.saved_view
    ADD CONSTRAINT saved_view_tenant_id_person_name_key UNIQUE (tenant_id, person, name);

ALTER TABLE ONLY public.search_index
    ADD CONSTRAINT search_index_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.sign_in_throttle
    ADD CONSTRAINT sign_in_throttle_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.staff_profile
    ADD CONSTRAINT staff_profile_pkey PRIMARY KEY (tenant_id, practitioner);

ALTER TABLE ONLY public.staff_seat
    ADD CONSTRAINT staff_seat_pkey PRIMARY KEY (tenant_id, role, quality, spin, practitioner);

ALTER TABLE ONLY public.staff_session
    ADD CONSTRAINT staff_session_pkey PRIMARY KEY (tenant_id, token_hash);

ALTER TABLE ONLY public.stay_event
    ADD CONSTRAINT stay_event_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.subscription_event
    ADD CONSTRAINT subscription_event_pkey PRIMARY KEY (tenant_id, subscription, number);

ALTER TABLE ONLY public.subscription_event
    ADD CONSTRAINT subscription_event_tenant_id_subscription_seq_key UNIQUE (tenant_id, subscription, seq);

ALTER TABLE ONLY public.subscription
    ADD CONSTRAINT subscription_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.tenant
    ADD CONSTRAINT tenant_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tenant
    ADD CONSTRAINT tenant_slug_key UNIQUE (slug);

ALTER TABLE ONLY public.visit_link
    ADD CONSTRAINT visit_link_pkey PRIMARY KEY (tenant_id, secret_hash);

ALTER TABLE ONLY public.visit_offer
    ADD CONSTRAINT visit_offer_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.websocket_token
    ADD CONSTRAINT websocket_token_pkey PRIMARY KEY (tenant_id, hash);

ALTER TABLE ONLY public.weekly_choice
    ADD CONSTRAINT weekly_choice_pkey PRIMARY KEY (tenant_id, person);

ALTER TABLE ONLY public.weekly_sent
    ADD CONSTRAINT weekly_sent_pkey PRIMARY KEY (tenant_id, person, day);

ALTER TABLE ONLY public.work_day
    ADD CONSTRAINT work_day_pkey PRIMARY KEY (tenant_id, person, day);

ALTER TABLE ONLY public.work_minutes
    ADD CONSTRAINT work_minutes_pkey PRIMARY KEY (tenant_id, person, weekday);

ALTER TABLE ONLY public.worklist_clock
    ADD CONSTRAINT worklist_clock_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.worklist_total
    ADD CONSTRAINT worklist_total_pkey PRIMARY KEY (tenant_id, pathway, tier, section, snoozed);

CREATE INDEX absence_covered_by ON public.absence USING btree (tenant_id, cover) WHERE (over IS NULL);

CREATE INDEX absence_of ON public.absence USING btree (tenant_id, practitioner, starts) WHERE (over IS NULL);

CREATE INDEX absence_to_begin ON public.absence USING btree (tenant_id, starts) WHERE ((begun IS NULL) AND (over IS NULL));

CREATE INDEX absence_to_end ON public.absence USING btree (tenant_id, ends) WHERE ((begun IS NOT NULL) AND (over IS NULL));

CREATE INDEX access_token_expires ON public.access_token USING btree (tenant_id, expires);

CREATE INDEX app_ticket_expires ON public.app_ticket USING btree (tenant_id, expires);

CREATE INDEX assessment_due_open ON public.assessment_due USING btree (tenant_id, due) WHERE (asked IS NULL);

CREATE INDEX assessment_share_of_response ON public.assessment_share USING btree (tenant_id, response_id);

CREATE INDEX audit_event_patient ON public.audit_event USING gin (patient_ids);

CREATE INDEX audit_event_recorded ON public.audit_event USING brin (recorded) WITH (pages_per_range='32', autosummarize='on');

CREATE INDEX audit_event_transaction ON public.audit_event USING btree (tenant_id, transaction);

CREATE INDEX audit_seal_last_transaction ON public.audit_seal USING btree (tenant_id, last_transaction);

CREATE INDEX booking_clash ON public.booking USING btree (tenant_id, starts) WHERE clash;

CREATE INDEX booking_of_actor ON public.booking USING btree (tenant_id, actor, starts);

CREATE INDEX bulk_job_over ON public.bulk_job USING btree (tenant_id, expires) WHERE (expires IS NOT NULL);

CREATE INDEX bulk_job_to_do ON public.bulk_job USING btree (tenant_id, asked) WHERE (state = ANY (ARRAY['waiting'::text, 'working'::text]));

CREATE UNIQUE INDEX calendar_feed_of ON public.calendar_feed USING btree (tenant_id, practitioner) WHERE (revoked IS NULL);

CREATE INDEX care_plan_review_due ON public.care_plan_review USING btree (tenant_id, due) WHERE (NOT told);

CREATE INDEX change_feed_type ON public.change_feed USING btree (tenant_id, type, seq);

CREATE INDEX check_in_clock_wake ON public.check_in_clock USING btree (tenant_id, wake_at);

CREATE INDEX check_in_of_patient ON public.check_in USING btree (tenant_id, patient_id, asked DESC);

CREATE UNIQUE INDEX client_name ON public.client USING btree (tenant_id, name) WHERE (revoked IS NULL);

CREATE INDEX competency_kind ON public.competency USING btree (tenant_id, kind);

CREATE INDEX conference_begun ON public.conference USING btree (tenant_id, begun);

CREATE INDEX contradiction_open ON public.contradiction USING btree (tenant_id, due, id) WHERE (state = 'open'::text);

CREATE INDEX contradiction_patient ON public.contradiction USING btree (tenant_id, patient_id);

CREATE INDEX delivery_due ON public.delivery USING btree (tenant_id, target, due) WHERE (status = 'waiting'::text);

CREATE INDEX delivery_finished ON public.delivery USING btree (tenant_id, finished) WHERE (finished IS NOT NULL);

CREATE INDEX delivery_status ON public.delivery USING btree (tenant_id, status, id);

CREATE INDEX delivery_waiting ON public.delivery USING btree (tenant_id, target, id) WHERE (status = 'waiting'::text);

CREATE INDEX escalation_of_owner ON public.escalation USING btree (tenant_id, to_owner) WHERE stands;

CREATE UNIQUE INDEX feed_port ON public.feed USING btree (port) WHERE enabled;

CREATE INDEX hand_over_between ON public.hand_over USING btree (tenant_id, giver, taker, made);

CREATE INDEX hand_over_item_of_loop ON public.hand_over_item USING btree (tenant_id, loop_id);

CREATE INDEX hand_over_to ON public.hand_over USING btree (tenant_id, taker, made);

CREATE INDEX home_alert_open ON public.home_alert USING btree (tenant_id, since) WHERE (state = 'open'::text);

CREATE INDEX home_alert_opened ON public.home_alert USING btree (tenant_id, opened);

CREATE INDEX home_plan_wake ON public.home_plan USING btree (tenant_id, wake_at) WHERE (wake_at IS NOT NULL);

CREATE INDEX home_reading_findings ON public.home_reading USING btree (tenant_id, patient_id) WHERE (findings IS NOT NULL);

CREATE INDEX home_reading_observation ON public.home_reading USING btree (tenant_id, observation);

CREATE INDEX home_reading_series ON public.home_reading USING btree (tenant_id, patient_id, metric, measured);

CREATE INDEX home_reading_waits ON public.home_reading USING btree (tenant_id, waits_until) WHERE (waits_until IS NOT NULL);

CREATE INDEX inbox_ahead ON public.inbox USING btree (tenant_id, next_attempt) WHERE ((status = 'dead'::text) AND (stage = 'ahead'::text));

CREATE INDEX inbox_by_control_id ON public.inbox USING btree (tenant_id, control_id);

CREATE INDEX inbox_by_feed ON public.inbox USING btree (tenant_id, feed_id, received) WHERE (feed_id IS NOT NULL);

CREATE UNIQUE INDEX inbox_content ON public.inbox USING btree (tenant_id, digest) WHERE ((origin = 'file'::text) AND counts);

CREATE UNIQUE INDEX inbox_control_id ON public.inbox USING btree (tenant_id, sending_application, sending_facility, control_id) WHERE ((origin = 'feed'::text) AND counts);

CREATE INDEX inbox_dead ON public.inbox USING btree (tenant_id, id) WHERE (status = 'dead'::text);

CREATE INDEX inbox_waiting ON public.inbox USING btree (tenant_id, id) WHERE (status = 'received'::text);

CREATE INDEX lead_now ON public.lead USING btree (tenant_id, lead) WHERE (led_until IS NULL);

CREATE INDEX lead_offer_of_taker ON public.lead_offer USING btree (tenant_id, taker) WHERE (answered IS NULL);

CREATE UNIQUE INDEX lead_offer_open ON public.lead_offer USING btree (tenant_id, patient_id) WHERE (answered IS NULL);

CREATE INDEX loop_act_of_loop ON public.loop_act USING btree (tenant_id, loop_id, at);

CREATE INDEX loop_act_proof ON public.loop_act USING btree (tenant_id, split_part((data ->> 'reference'::text), '/_history/'::text, 1)) WHERE (kind = 'evidence'::text);

CREATE UNIQUE INDEX loop_act_undone_once ON public.loop_act USING btree (tenant_id, undoes) WHERE (undoes IS NOT NULL);

CREATE UNIQUE INDEX loop_by_number ON public.loop USING btree (tenant_id, number);

CREATE INDEX loop_clock_to_wake ON public.loop_clock USING btree (tenant_id, wake_at);

CREATE INDEX loop_closed_by_owner ON public.loop USING btree (tenant_id, owner, closed) WHERE (closed IS NOT NULL);

CREATE INDEX loop_closed_when ON public.loop USING btree (tenant_id, closed) WHERE (closed IS NOT NULL);

CREATE INDEX loop_of_focus ON public.loop USING btree (tenant_id, focus);

CREATE INDEX loop_of_other_next ON public.loop USING btree (tenant_id, owner) WHERE (is_open AND (next_owner IS DISTINCT FROM owner));

CREATE INDEX loop_of_patient ON public.loop USING btree (tenant_id, patient_id);

CREATE INDEX loop_on_board ON public.loop USING btree (tenant_id, board, next_due) WHERE (board IS NOT NULL);

CREATE UNIQUE INDEX loop_one_per_matter ON public.loop USING btree (tenant_id, pathway, focus) WHERE (status = ANY (ARRAY['requested'::text, 'accepted'::text, 'in-progress'::text, 'on-hold'::text]));

CREATE INDEX loop_open_by_due ON public.loop USING btree (tenant_id, next_due) WHERE (status = ANY (ARRAY['requested'::text, 'accepted'::text, 'in-progress'::text, 'on-hold'::text]));

CREATE INDEX loop_open_of_owner ON public.loop USING btree (tenant_id, owner, next_due) WHERE (status = ANY (ARRAY['requested'::text, 'accepted'::text, 'in-progress'::text, 'on-hold'::text]));

CREATE INDEX loop_place_ahead ON public.loop_place USING btree (tenant_id, holds_from);

CREATE INDEX loop_place_by_due ON public.loop_place USING btree (tenant_id, due);

CREATE INDEX loop_place_of_kind ON public.loop_place USING btree (tenant_id, pathway, section, safety DESC, points DESC, due, opened, loop_id);

CREATE INDEX loop_place_of_next ON public.loop_place USING btree (tenant_id, next_owner);

CREATE INDEX loop_place_of_patient ON public.loop_place USING btree (tenant_id, patient_id);

CREATE INDEX loop_place_order ON public.loop_place USING btree (tenant_id, section, safety DESC, points DESC, due, opened, loop_id);

CREATE INDEX loop_place_over ON public.loop_place USING btree (tenant_id, holds_until);

CREATE INDEX loop_place_snoozed ON public.loop_place USING btree (tenant_id, snoozed_until) WHERE (snoozed_until IS NOT NULL);

CREATE INDEX loop_step_aside ON public.loop_step USING btree (tenant_id, owner) WHERE aside;

CREATE UNIQUE INDEX loop_step_by_task ON public.loop_step USING btree (tenant_id, task_id);

CREATE INDEX loop_step_open_of_owner ON public.loop_step USING btree (tenant_id, owner, due) WHERE (status = ANY (ARRAY['requested'::text, 'accepted'::text, 'in-progress'::text, 'on-hold'::text]));

CREATE INDEX loop_wake_due ON public.loop_wake USING btree (tenant_id, wake_at);

CREATE INDEX medicine_checked_look ON public.medicine_checked USING btree (tenant_id, look_on) WHERE (look_on IS NOT NULL);

CREATE INDEX medicine_finding_patient ON public.medicine_finding USING btree (tenant_id, patient_id);

CREATE INDEX medicine_hold_due ON public.medicine_hold USING btree (tenant_id, until) WHERE ((asked IS NULL) AND (over IS NULL));

CREATE INDEX medicine_hold_of_patient ON public.medicine_hold USING btree (tenant_id, patient_id) WHERE (over IS NULL);

CREATE INDEX membership_ends ON public.membership USING btree (tenant_id, ends) WHERE (ends IS NOT NULL);

CREATE INDEX membership_of ON public.membership USING btree (tenant_id, practitioner);

CREATE INDEX membership_of_team ON public.membership USING btree (tenant_id, team_id);

CREATE INDEX minutes_entry_patient ON public.minutes_entry USING btree (tenant_id, patient_id, started);

CREATE INDEX minutes_entry_who ON public.minutes_entry USING btree (tenant_id, who, started);

CREATE INDEX notice_event_new ON public.notice_event USING btree (tenant_id, id) WHERE (told IS NULL);

CREATE INDEX notice_event_of_thing ON public.notice_event USING btree (tenant_id, thing, id);

CREATE INDEX notice_of_patient ON public.notice USING btree (tenant_id, patient_id);

CREATE INDEX notice_of_person ON public.notice USING btree (tenant_id, person, last);

CREATE INDEX notice_to_mail ON public.notice USING btree (tenant_id, person) WHERE ((mailed IS NULL) AND (seen IS NULL) AND (way = ANY (ARRAY['now'::text, 'digest'::text])));

CREATE UNIQUE INDEX notice_unseen ON public.notice USING btree (tenant_id, person, card, kind) WHERE (seen IS NULL);

CREATE INDEX on_call_by_end ON public.on_call USING btree (tenant_id, ends);

CREATE INDEX ownership_of_covers ON public.ownership USING btree (tenant_id, why text_pattern_ops) WHERE ((owned_until IS NULL) AND (why ~~ 'covers for %'::text));

CREATE INDEX ownership_offer_of_taker ON public.ownership_offer USING btree (tenant_id, taker) WHERE (answered IS NULL);

CREATE UNIQUE INDEX ownership_offer_open ON public.ownership_offer USING btree (tenant_id, loop_id) WHERE (answered IS NULL);

CREATE UNIQUE INDEX paper_once ON public.paper USING btree (tenant_id, digest) WHERE (split_from IS NULL);

CREATE INDEX paper_settled ON public.paper USING btree (tenant_id, settled) WHERE (settled IS NOT NULL);

CREATE INDEX paper_waiting ON public.paper USING btree (tenant_id, late_at) WHERE (status = 'waiting'::text);

CREATE INDEX partner_link_of_patient ON public.partner_link USING btree (tenant_id, patient_id);

CREATE INDEX partner_link_of_request ON public.partner_link USING btree (tenant_id, request);

CREATE INDEX patient_identifier_patient ON public.patient_identifier USING btree (tenant_id, patient_id);

CREATE INDEX patient_identifier_skeleton ON public.patient_identifier USING btree (tenant_id, system, skeleton);

CREATE INDEX patient_key_patient ON public.patient_key USING btree (tenant_id, patient_id);

CREATE UNIQUE INDEX patient_merge_standing ON public.patient_merge USING btree (tenant_id, prior_id) WHERE (undone IS NULL);

CREATE INDEX patient_merge_survivor ON public.patient_merge USING btree (tenant_id, survivor_id) WHERE (undone IS NULL);

CREATE INDEX patient_trait_of_patient ON public.patient_trait USING btree (tenant_id, patient_id);

CREATE INDEX pending_merge_waiting ON public.pending_merge USING btree (tenant_id, recorded) WHERE (appeared IS NULL);

CREATE INDEX person_match_open ON public.person_match USING btree (tenant_id, due, id) WHERE (state = ANY (ARRAY['open'::text, 'asking'::text]));

CREATE INDEX person_match_right ON public.person_match USING btree (tenant_id, right_id);

CREATE UNIQUE INDEX person_match_step ON public.person_match USING btree (tenant_id, step_task_id);

CREATE INDEX person_match_unannounced ON public.person_match USING btree (tenant_id) WHERE (announced IS DISTINCT FROM state);

CREATE INDEX rank_report_open ON public.rank_report USING btree (tenant_id, at) WHERE (answered IS NULL);

CREATE INDEX rank_report_when ON public.rank_report USING btree (tenant_id, at);

CREATE INDEX reconciliation_of_patient ON public.reconciliation USING btree (tenant_id, patient_id, opened);

CREATE UNIQUE INDEX reconciliation_open ON public.reconciliation USING btree (tenant_id, patient_id) WHERE (finished IS NULL);

CREATE INDEX referral_of_clinic ON public.referral USING btree (tenant_id, clinic);

CREATE INDEX referral_of_patient ON public.referral USING btree (tenant_id, patient_id);

CREATE INDEX referral_of_task ON public.referral USING btree (tenant_id, task_id) WHERE (task_id IS NOT NULL);

CREATE INDEX referral_on_board ON public.referral USING btree (tenant_id, board, due) WHERE (board IS NOT NULL);

CREATE INDEX resource_date_key ON public.resource_date USING btree (tenant_id, key);

CREATE INDEX resource_date_low ON public.resource_date USING btree (tenant_id, field, shape, low, high, key);

CREATE INDEX resource_listed ON public.resource USING btree (tenant_id, type, key) WHERE (NOT deleted);

CREATE INDEX resource_patient ON public.resource USING btree (tenant_id, patient_id, type) WHERE (patient_id IS NOT NULL);

CREATE INDEX resource_quantity_base ON public.resource_quantity USING btree (tenant_id, dimension, base, key) WHERE (dimension IS NOT NULL);

CREATE INDEX resource_quantity_key ON public.resource_quantity USING btree (tenant_id, key);

CREATE INDEX resource_quantity_value ON public.resource_quantity USING btree (tenant_id, field, value, key);

CREATE INDEX resource_string_key ON public.resource_string USING btree (tenant_id, key);

CREATE INDEX resource_string_value ON public.resource_string USING btree (tenant_id, field, value, key);

CREATE INDEX resource_updated ON public.resource USING btree (tenant_id, type, last_updated);

CREATE INDEX resource_word_value ON public.resource_word USING btree (tenant_id, field, value, token);

CREATE INDEX rule_event_of_rule ON public.rule_event USING btree (tenant_id, kind, name, id);

CREATE UNIQUE INDEX rule_one_draft ON public.rule_version USING btree (tenant_id, kind, name) WHERE (status = ANY (ARRAY['draft'::text, 'in-review'::text]));

CREATE UNIQUE INDEX rule_one_published ON public.rule_version USING btree (tenant_id, kind, name) WHERE (status = 'published'::text);

CREATE INDEX rule_rehearsal_of_version ON public.rule_rehearsal USING btree (tenant_id, version_id, asked);

CREATE UNIQUE INDEX rule_rehearsal_one_at_a_time ON public.rule_rehearsal USING btree (tenant_id, version_id) WHERE (status = ANY (ARRAY['waiting'::text, 'running'::text]));

CREATE INDEX staff_seat_of ON public.staff_seat USING btree (tenant_id, practitioner);

CREATE INDEX staff_session_account ON public.staff_session USING btree (tenant_id, account_id);

CREATE UNIQUE INDEX stay_event_once ON public.stay_event USING btree (tenant_id, encounter_id, code, event_time, digest);

CREATE INDEX stay_event_patient ON public.stay_event USING btree (tenant_id, patient_id);

CREATE INDEX stay_event_unmatched ON public.stay_event USING btree (tenant_id, received) WHERE (unmatched AND (raised IS NULL));

CREATE INDEX subscription_event_at ON public.subscription_event USING btree (tenant_id, at);

CREATE INDEX visit_link_of ON public.visit_link USING btree (tenant_id, appointment_id);

CREATE INDEX visit_offer_freed ON public.visit_offer USING btree (tenant_id, actor, starts);

CREATE UNIQUE INDEX visit_offer_person ON public.visit_offer USING btree (tenant_id, waiting_id) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX visit_offer_time ON public.visit_offer USING btree (tenant_id, actor, starts) WHERE (state = 'open'::text);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_event FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_seal FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER keep_rule_version BEFORE UPDATE ON public.rule_version FOR EACH ROW EXECUTE FUNCTION public.keep_rule_version();

CREATE TRIGGER lead_follows_first_loop AFTER INSERT ON public.loop REFERENCING NEW TABLE AS opened FOR EACH STATEMENT EXECUTE FUNCTION public.lead_of_first_loop();

CREATE TRIGGER lead_follows_moved_loop AFTER UPDATE ON public.loop REFERENCING NEW TABLE AS opened FOR EACH STATEMENT WHEN ((current_setting('app.turning'::text, true) IS DISTINCT FROM 'yes'::text)) EXECUTE FUNCTION public.lead_of_first_loop();

CREATE TRIGGER loop_clock_moved AFTER UPDATE ON public.loop REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN ((current_setting('app.turning'::text, true) IS DISTINCT FROM 'yes'::text)) EXECUTE FUNCTION public.keep_loop_clock();

CREATE TRIGGER loop_clock_new AFTER INSERT ON public.loop REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.keep_loop_clock();

CREATE TRIGGER loop_place_moved AFTER UPDATE ON public.loop REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN ((current_setting('app.turning'::text, true) IS DISTINCT FROM 'yes'::text)) EXECUTE FUNCTION public.keep_loop_place();

CREATE TRIGGER loop_place_new AFTER INSERT ON public.loop REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.keep_loop_place();

CREATE TRIGGER need_follows_loop AFTER UPDATE ON public.loop REFERENCING OLD TABLE AS standing NEW TABLE AS changed FOR EACH STATEMENT WHEN ((current_setting('app.turning'::text, true) IS DISTINCT FROM 'yes'::text)) EXECUTE FUNCTION public.look_at_changed_need();

CREATE TRIGGER need_follows_new_loop AFTER INSERT ON public.loop REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.look_at_new_need();

CREATE TRIGGER seats_follow_account AFTER INSERT OR UPDATE OF roles, disabled, practitioner_id ON public.account FOR EACH ROW EXECUTE FUNCTION public.refresh_seats_of_account();

CREATE TRIGGER seats_follow_profile AFTER INSERT OR UPDATE ON public.staff_profile FOR EACH ROW EXECUTE FUNCTION public.refresh_seats_of_profile();

ALTER TABLE ONLY public.access_token
    ADD CONSTRAINT access_token_tenant_id_client_id_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES public.client(tenant_id, id);

ALTER TABLE ONLY public.access_token
    ADD CONSTRAINT access_token_tenant_id_grant_id_fkey FOREIGN KEY (tenant_id, grant_id) REFERENCES public.app_grant(tenant_id, id);

ALTER TABLE ONLY public.account_address
    ADD CONSTRAINT account_address_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.account(tenant_id, id);

ALTER TABLE ONLY public.app_grant
    ADD CONSTRAINT app_grant_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.account(tenant_id, id);

ALTER TABLE ONLY public.app_grant
    ADD CONSTRAINT app_grant_tenant_id_client_id_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES public.client(tenant_id, id);

ALTER TABLE ONLY public.app_launch
    ADD CONSTRAINT app_launch_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.account(tenant_id, id);

ALTER TABLE ONLY public.app_launch
    ADD CONSTRAINT app_launch_tenant_id_client_id_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES public.client(tenant_id, id);

ALTER TABLE ONLY public.app_ticket
    ADD CONSTRAINT app_ticket_tenant_id_grant_id_fkey FOREIGN KEY (tenant_id, grant_id) REFERENCES public.app_grant(tenant_id, id);

ALTER TABLE ONLY public.booking
    ADD CONSTRAINT booking_tenant_id_actor_fkey FOREIGN KEY (tenant_id, actor) REFERENCES public.diary(tenant_id, actor);

ALTER TABLE ONLY public.booking
    ADD CONSTRAINT booking_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.calendar_feed
    ADD CONSTRAINT calendar_feed_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.care_plan_review
    ADD CONSTRAINT care_plan_review_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.cds_issuer
    ADD CONSTRAINT cds_issuer_practice_fkey FOREIGN KEY (practice) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.chart_look
    ADD CONSTRAINT chart_look_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.client_assertion
    ADD CONSTRAINT client_assertion_tenant_id_client_id_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES public.client(tenant_id, id);

ALTER TABLE ONLY public.conference_item
    ADD CONSTRAINT conference_item_tenant_id_conference_id_fkey FOREIGN KEY (tenant_id, conference_id) REFERENCES public.conference(tenant_id, id);

ALTER TABLE ONLY public.conference_vote
    ADD CONSTRAINT conference_vote_tenant_id_conference_id_loop_id_fkey FOREIGN KEY (tenant_id, conference_id, loop_id) REFERENCES public.conference_item(tenant_id, conference_id, loop_id);

ALTER TABLE ONLY public.contradiction
    ADD CONSTRAINT contradiction_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.diary
    ADD CONSTRAINT diary_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.ehr
    ADD CONSTRAINT ehr_practice_fkey FOREIGN KEY (practice) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.escalation
    ADD CONSTRAINT escalation_tenant_id_loop_id_fkey FOREIGN KEY (tenant_id, loop_id) REFERENCES public.loop(tenant_id, id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.hand_over_item
    ADD CONSTRAINT hand_over_item_tenant_id_hand_over_id_fkey FOREIGN KEY (tenant_id, hand_over_id) REFERENCES public.hand_over(tenant_id, id);

ALTER TABLE ONLY public.hand_over_item
    ADD CONSTRAINT hand_over_item_tenant_id_offer_id_fkey FOREIGN KEY (tenant_id, offer_id) REFERENCES public.ownership_offer(tenant_id, id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.lead
    ADD CONSTRAINT lead_tenant_id_patient_id_previous_until_fkey FOREIGN KEY (tenant_id, patient_id, previous_until) REFERENCES public.lead(tenant_id, patient_id, led_until) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.loop_act
    ADD CONSTRAINT loop_act_tenant_id_loop_id_fkey FOREIGN KEY (tenant_id, loop_id) REFERENCES public.loop(tenant_id, id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.loop_clock
    ADD CONSTRAINT loop_clock_tenant_id_loop_id_fkey FOREIGN KEY (tenant_id, loop_id) REFERENCES public.loop(tenant_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.loop_place
    ADD CONSTRAINT loop_place_tenant_id_loop_id_fkey FOREIGN KEY (tenant_id, loop_id) REFERENCES public.loop(tenant_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.loop_step
    ADD CONSTRAINT loop_step_tenant_id_loop_id_fkey FOREIGN KEY (tenant_id, loop_id) REFERENCES public.loop(tenant_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.medicine_checked
    ADD CONSTRAINT medicine_checked_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.medicine_finding
    ADD CONSTRAINT medicine_finding_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.medicine_hold
    ADD CONSTRAINT medicine_hold_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.notice_change
    ADD CONSTRAINT notice_change_tenant_id_event_id_fkey FOREIGN KEY (tenant_id, event_id) REFERENCES public.notice_event(tenant_id, id);

ALTER TABLE ONLY public.notice_change
    ADD CONSTRAINT notice_change_tenant_id_notice_id_fkey FOREIGN KEY (tenant_id, notice_id) REFERENCES public.notice(tenant_id, id);

ALTER TABLE ONLY public.ownership_offer
    ADD CONSTRAINT ownership_offer_tenant_id_loop_id_fkey FOREIGN KEY (tenant_id, loop_id) REFERENCES public.loop(tenant_id, id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.ownership
    ADD CONSTRAINT ownership_tenant_id_loop_id_step_id_previous_until_fkey FOREIGN KEY (tenant_id, loop_id, step_id, previous_until) REFERENCES public.ownership(tenant_id, loop_id, step_id, owned_until) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.paper_page
    ADD CONSTRAINT paper_page_tenant_id_paper_fkey FOREIGN KEY (tenant_id, paper) REFERENCES public.paper(tenant_id, id);

ALTER TABLE ONLY public.patient_features
    ADD CONSTRAINT patient_features_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.patient_identifier
    ADD CONSTRAINT patient_identifier_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.patient_key
    ADD CONSTRAINT patient_key_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.patient_merge_moved
    ADD CONSTRAINT patient_merge_moved_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.patient_merge
    ADD CONSTRAINT patient_merge_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.pending_merge
    ADD CONSTRAINT pending_merge_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.person_match
    ADD CONSTRAINT person_match_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.rank_report
    ADD CONSTRAINT rank_report_tenant_id_loop_id_fkey FOREIGN KEY (tenant_id, loop_id) REFERENCES public.loop(tenant_id, id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.reconciliation
    ADD CONSTRAINT reconciliation_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.referral
    ADD CONSTRAINT referral_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.rule_event
    ADD CONSTRAINT rule_event_tenant_id_version_id_fkey FOREIGN KEY (tenant_id, version_id) REFERENCES public.rule_version(tenant_id, id);

ALTER TABLE ONLY public.rule_rehearsal
    ADD CONSTRAINT rule_rehearsal_tenant_id_version_id_fkey FOREIGN KEY (tenant_id, version_id) REFERENCES public.rule_version(tenant_id, id);

ALTER TABLE ONLY public.staff_session
    ADD CONSTRAINT staff_session_tenant_id_account_id_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES public.account(tenant_id, id);

ALTER TABLE ONLY public.visit_link
    ADD CONSTRAINT visit_link_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.visit_offer
    ADD CONSTRAINT visit_offer_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE public.absence ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.access_token ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.account ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.account_address ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.act_receipt ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.allowed_host ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.app_grant ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.app_launch ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.app_ticket ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.assessment_due ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.assessment_share ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_seal ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.booking ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.bulk_job ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.calendar_feed ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.care_plan_review ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.cds_feedback ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.cds_request ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.change_feed ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.chart_look ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.check_in ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.check_in_clock ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.client ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.client_assertion ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.competency ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.conference ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.conference_item ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.conference_vote ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contradiction ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.delivery ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.delivery_target ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.diary ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.digest ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.escalation ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.feed ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.feed_cursor ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.feed_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.hand_over ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.hand_over_item ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.home_alert ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.home_plan ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.home_reading ENABLE ROW LEVEL SECURITY;

CREATE POLICY in_sight ON public.change_feed AS RESTRICTIVE FOR SELECT TO careloop_narrow USING ((EXISTS ( SELECT
   FROM public.resource
  WHERE ((resource.key = change_feed.key) AND (NOT (resource.patient_id IS DISTINCT FROM change_feed.patient_id))))));

CREATE POLICY in_sight ON public.resource AS RESTRICTIVE FOR SELECT TO careloop_narrow USING (((NOT (tokens && ( SELECT public.sight_numbers('hidden'::text) AS sight_numbers))) AND ((type = ANY (( SELECT public.sight_texts('types'::text) AS sight_texts)::text[])) OR (tokens && ( SELECT public.sight_numbers('tokens'::text) AS sight_numbers)) OR ((patient_id = ( SELECT NULLIF(current_setting('app.sight_patient'::text, true), ''::text) AS "nullif")) AND (( SELECT ('*'::text = ANY (public.sight_texts('patient_types'::text)))) OR (type = ANY (( SELECT public.sight_texts('patient_types'::text) AS sight_texts)::text[])) OR (tokens && ( SELECT public.sight_numbers('patient_tokens'::text) AS sight_numbers)))))));

CREATE POLICY in_sight ON public.resource_date AS RESTRICTIVE FOR SELECT TO careloop_narrow USING ((EXISTS ( SELECT
   FROM public.resource
  WHERE (resource.key = resource_date.key))));

CREATE POLICY in_sight ON public.resource_history AS RESTRICTIVE FOR SELECT TO careloop_narrow USING ((EXISTS ( SELECT
   FROM public.resource
  WHERE ((resource.key = resource_history.key) AND (NOT (resource.patient_id IS DISTINCT FROM resource_history.patient_id))))));

CREATE POLICY in_sight ON public.resource_quantity AS RESTRICTIVE FOR SELECT TO careloop_narrow USING ((EXISTS ( SELECT
   FROM public.resource
  WHERE (resource.key = resource_quantity.key))));

CREATE POLICY in_sight ON public.resource_string AS RESTRICTIVE FOR SELECT TO careloop_narrow USING ((EXISTS ( SELECT
   FROM public.resource
  WHERE (resource.key = resource_string.key))));

CREATE POLICY in_sight ON public.resource_token AS RESTRICTIVE FOR SELECT TO careloop_narrow USING ((EXISTS ( SELECT
   FROM public.resource
  WHERE (resource.key = resource_token.key))));

ALTER TABLE public.inbox ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.lead ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.lead_offer ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.loop ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.loop_act ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.loop_clock ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.loop_note ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.loop_place ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.loop_step ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.loop_wake ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.medicine_checked ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.medicine_finding ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.medicine_hold ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.membership ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.minutes_entry ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.notice ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.notice_change ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.notice_choice ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.notice_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.notice_person ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.on_call ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.outbound_feed ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ownership ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ownership_offer ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.paper ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.paper_page ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.partner_link ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.patient_features ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.patient_identifier ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.patient_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.patient_merge ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.patient_merge_moved ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.patient_trait ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.pending_merge ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.person_fact ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.person_match ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.published_view ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.published_view_row ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rank_report ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.reconciliation ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.referral ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.resource ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.resource_date ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.resource_history ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.resource_quantity ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.resource_string ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.resource_token ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.resource_word ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.responsibility ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.responsibility_look ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rule_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rule_rehearsal ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rule_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.saved_view ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.search_index ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.staff_profile ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.staff_seat ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.staff_session ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.stay_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.subscription ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.subscription_event ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_only ON public.absence USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.access_token USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.account USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.account_address USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.act_receipt USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.allowed_host USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.app_grant USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.app_launch USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.app_ticket USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.assessment_due USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.assessment_share USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.audit_event USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.audit_seal USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.booking USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.bulk_job USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.calendar_feed USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.care_plan_review USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.cds_feedback USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.cds_request USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.change_feed USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.chart_look USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.check_in USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.check_in_clock USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.client USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.client_assertion USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.competency USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.conference USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.conference_item USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.conference_vote USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.contradiction USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.delivery USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.delivery_target USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.diary USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.digest USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.escalation USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.feed USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.feed_cursor USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.feed_version USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.hand_over USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.hand_over_item USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.home_alert USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.home_plan USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.home_reading USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.inbox USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.lead USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.lead_offer USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.loop USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.loop_act USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.loop_clock USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.loop_note USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.loop_place USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.loop_step USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.loop_wake USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.medicine_checked USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.medicine_finding USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.medicine_hold USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.membership USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.minutes_entry USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.notice USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.notice_change USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.notice_choice USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.notice_event USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.notice_person USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.on_call USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.outbound_feed USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.ownership USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.ownership_offer USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.paper USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.paper_page USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.partner_link USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.patient_features USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.patient_identifier USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.patient_key USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.patient_merge USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.patient_merge_moved USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.patient_trait USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.pending_merge USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.person_fact USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.person_match USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.published_view USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.published_view_row USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.rank_report USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.reconciliation USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.referral USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.resource USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.resource_date USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.resource_history USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.resource_quantity USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.resource_string USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.resource_token USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.resource_word USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.responsibility USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.responsibility_look USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.rule_event USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.rule_rehearsal USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.rule_version USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.saved_view USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.search_index USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.staff_profile USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.staff_seat USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.staff_session USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.stay_event USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.subscription USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.subscription_event USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.visit_link USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.visit_offer USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.websocket_token USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.weekly_choice USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.weekly_sent USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.work_day USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.work_minutes USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.worklist_clock USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

CREATE POLICY tenant_only ON public.worklist_total USING ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif"))) WITH CHECK ((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::integer AS "nullif")));

ALTER TABLE public.visit_link ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.visit_offer ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.websocket_token ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.weekly_choice ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.weekly_sent ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.work_day ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.work_minutes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.worklist_clock ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.worklist_total ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON FUNCTION public.make_sql_view(name text, columns text[], kinds text[]) FROM PUBLIC;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.absence TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.access_token TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.account TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.account_address TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.act_receipt TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.allowed_host TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.app_grant TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.app_launch TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.app_ticket TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.assessment_due TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.assessment_share TO careloop_app;

GRANT SELECT,INSERT ON TABLE public.audit_event TO careloop_app;
GRANT INSERT ON TABLE public.audit_event TO careloop_narrow;

GRANT SELECT,USAGE ON SEQUENCE public.audit_event_id_seq TO careloop_app;

GRANT SELECT,INSERT ON TABLE public.audit_seal TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.booking TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.bulk_job TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.calendar_feed TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.care_plan_review TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.cds_feedback TO careloop_app;

GRANT SELECT,USAGE ON SEQUENCE public.cds_feedback_id_seq TO careloop_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.cds_issuer TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.cds_request TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.change_feed TO careloop_app;
GRANT SELECT ON TABLE public.change_feed TO careloop_narrow;

GRANT SELECT,USAGE ON SEQUENCE public.change_feed_seq_seq TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.chart_look TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.check_in TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.check_in_clock TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.client TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.client_assertion TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.competency TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.conference TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.conference_item TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.conference_vote TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.contradiction TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.delivery TO careloop_app;

GRANT SELECT,USAGE ON SEQUENCE public.delivery_id_seq TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.delivery_target TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.diary TO careloop_app;

GRANT SELECT,USAGE ON SEQUENCE public.diary_number_seq TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.digest TO careloop_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.ehr TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.escalation TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.feed TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.feed_cursor TO careloop_app;

GRANT SELECT,USAGE ON SEQUENCE public.feed_id_seq TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.feed_version TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.hand_over TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.hand_over_item TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.home_alert TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.home_plan TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.home_reading TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.inbox TO careloop_app;

GRANT SELECT,USAGE ON SEQUENCE public.inbox_id_seq TO careloop_app;

GRANT SELECT,UPDATE ON TABLE public.instance TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.lead TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.lead_offer TO careloop_app;

GRANT SELECT,USAGE ON SEQUENCE public.loop_number TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.loop TO careloop_app;

GRANT SELECT,INSERT ON TABLE public.loop_act TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.loop_clock TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.loop_note TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.loop_place TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.loop_step TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.loop_wake TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.medicine_checked TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.medicine_finding TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.medicine_hold TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.membership TO careloop_app;

GRANT SELECT ON TABLE public.migration TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.minutes_entry TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.notice TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.notice_change TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.notice_choice TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.notice_event TO careloop_app;

GRANT SELECT,USAGE ON SEQUENCE public.notice_event_id_seq TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.notice_person TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.on_call TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbound_feed TO careloop_app;

GRANT SELECT,USAGE ON SEQUENCE public.outbound_feed_id_seq TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.ownership TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.ownership_offer TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.paper TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.paper_page TO careloop_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.partner_code TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.partner_link TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.patient_features TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.patient_identifier TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.patient_key TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.patient_merge TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.patient_merge_moved TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.patient_trait TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.pending_merge TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.person_fact TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.person_match TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.process TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.published_view TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.published_view_row TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rank_report TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.reconciliation TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.referral TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resource TO careloop_app;
GRANT SELECT ON TABLE public.resource TO careloop_narrow;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resource_date TO careloop_app;
GRANT SELECT ON TABLE public.resource_date TO careloop_narrow;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resource_history TO careloop_app;
GRANT SELECT ON TABLE public.resource_history TO careloop_narrow;

GRANT SELECT,USAGE ON SEQUENCE public.resource_key TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resource_quantity TO careloop_app;
GRANT SELECT ON TABLE public.resource_quantity TO careloop_narrow;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resource_string TO careloop_app;
GRANT SELECT ON TABLE public.resource_string TO careloop_narrow;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resource_token TO careloop_app;
GRANT SELECT ON TABLE public.resource_token TO careloop_narrow;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resource_word TO careloop_app;
GRANT SELECT ON TABLE public.resource_word TO careloop_narrow;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.responsibility TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.responsibility_look TO careloop_app;

GRANT SELECT,INSERT ON TABLE public.rule_event TO careloop_app;

GRANT SELECT,USAGE ON SEQUENCE public.rule_event_id_seq TO careloop_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.rule_rehearsal TO careloop_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.rule_version TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.saved_view TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.search_index TO careloop_app;
GRANT SELECT ON TABLE public.search_index TO careloop_narrow;

GRANT SELECT,USAGE ON SEQUENCE public.sheet_number TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sign_in_throttle TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.staff_profile TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.staff_seat TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.staff_session TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.stay_event TO careloop_app;

GRANT SELECT,USAGE ON SEQUENCE public.stay_event_id_seq TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.subscription TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.subscription_event TO careloop_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.tenant TO careloop_app;
GRANT SELECT ON TABLE public.tenant TO careloop_narrow;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.visit_link TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.visit_offer TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.websocket_token TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.weekly_choice TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.weekly_sent TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.work_day TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.work_minutes TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.worklist_clock TO careloop_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.worklist_total TO careloop_app;

ALTER DEFAULT PRIVILEGES FOR ROLE careloop_owner GRANT SELECT,USAGE ON SEQUENCES TO careloop_app;
