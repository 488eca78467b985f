-- Write once: minutes as facts, what clinicians want to be told and when, and letters that leave.

-- Who worked when for whom, one row for each source that says minutes. Kept in step by every write of that source
-- (flows.minutes_ledger); billing reads it. An act that was taken back does not count any more, and stays readable.
create table minutes_entry (
    tenant_id int not null,
    source text collate "C" not null,
    patient_id text collate "C" not null,
    who text collate "C" not null,
    activity text not null check (activity in ('call', 'call-attempt', 'message', 'visit', 'other')),
    started timestamptz not null,
    ended timestamptz not null,
    seconds int not null check (seconds > 0),
    says text not null default '',
    counts boolean not null,
    primary key (tenant_id, source),
    check (started <= ended)
);
select make_tenant_table('minutes_entry');
create index minutes_entry_patient on minutes_entry (tenant_id, patient_id, started);
create index minutes_entry_who on minutes_entry (tenant_id, who, started);
comment on column minutes_entry.source is 'Communication/<id> or Observation/<id>: the act that took the time';
comment on column minutes_entry.counts is 'false for what was entered in error; a failed try keeps its activity, billing decides (BT-08)';

-- When a clinician is told: of questions at most once a day at `daily_at`, of the week on `weekly_on` (1 Monday).
create table clinician_notice (
    tenant_id int not null,
    practitioner text collate "C" not null,
    email text not null default '',
    daily_at time not null default '12:00',
    weekly_on int not null default 5 check (weekly_on between 0 and 7),
    primary key (tenant_id, practitioner)
);
select make_tenant_table('clinician_notice');
comment on column clinician_notice.weekly_on is 'ISO day of the week, 0 for never';

-- What was told already: a day's questions, a week's half-page, one safety question.
create table clinician_told (
    tenant_id int not null,
    practitioner text collate "C" not null,
    kind text not null check (kind in ('questions', 'week', 'safety')),
    about text collate "C" not null,
    told timestamptz not null,
    primary key (tenant_id, practitioner, kind, about)
);
select make_tenant_table('clinician_told');
comment on column clinician_told.about is 'the day, the first day of the week, or the question';
