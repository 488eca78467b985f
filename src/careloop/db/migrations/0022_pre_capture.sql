-- Write once: minutes as facts; the weekly half-page of a clinician.

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

-- On which day of the week a clinician is sent the link of their half-page; without a row physicians on Friday.
create table weekly_choice (
    tenant_id int not null,
    person text collate "C" not null check (person ~ '^Practitioner/.'),
    weekday int not null check (weekday between 0 and 7),
    primary key (tenant_id, person)
);
select make_tenant_table('weekly_choice');
comment on column weekly_choice.weekday is 'ISO day of the week, 0 for never';

-- Which day's link was sent already, so that it is sent once.
create table weekly_sent (
    tenant_id int not null,
    person text collate "C" not null check (person ~ '^Practitioner/.'),
    day date not null,
    primary key (tenant_id, person, day)
);
select make_tenant_table('weekly_sent');
