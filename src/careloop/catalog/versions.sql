-- published --
-- Every version that was ever published, the oldest first.
select version.kind, version.name, version.document, version.status = 'published' as holds
  from rule_version as version
 where version.published is not null
 order by version.kind, version.name, version.number

-- raise_revision --
-- Every process of the installation learns with its next piece of work that other rules hold.
update tenant
   set rules_revision = rules_revision + 1
 where id = %(tenant)s
returning rules_revision

-- version --
select version.id::text, version.kind, version.name, version.number, version.status, version.document, version.digest,
       version.base_digest, version.edition, version.authors, version.author_name, version.reviewer,
       version.reviewer_name, version.note, version.created, version.changed, version.published, version.effective
  from rule_version as version
 where version.id = %(id)s

-- lock_version --
select version.id
  from rule_version as version
 where version.id = %(id)s
   for update

-- versions_of --
-- All versions of a rule, the newest first.
select version.id::text, version.kind, version.name, version.number, version.status, version.document, version.digest,
       version.base_digest, version.edition, version.authors, version.author_name, version.reviewer,
       version.reviewer_name, version.note, version.created, version.changed, version.published, version.effective
  from rule_version as version
 where version.kind = %(kind)s
   and version.name = %(name)s
 order by version.number desc

-- standing --
-- For each rule the version that holds and the one that is being made.
select version.id::text, version.kind, version.name, version.number, version.status, version.author_name,
       version.reviewer_name, version.changed, version.effective, version.document ->> 'version' as version
  from rule_version as version
 where version.status in ('draft', 'in-review', 'published')

-- next_number --
select coalesce(max(version.number), 0) + 1 as number
  from rule_version as version
 where version.kind = %(kind)s
   and version.name = %(name)s

-- insert_version --
insert into rule_version (id, kind, name, number, status, document, digest, base_digest, authors, author_name, note,
                          created, changed)
values (%(id)s, %(kind)s, %(name)s, %(number)s, 'draft', %(document)s::json, %(digest)s, %(base_digest)s,
        array[%(by)s], %(by_name)s, %(note)s, %(at)s, %(at)s)

-- change_version --
-- The draft says something else; whoever changed it is an author too. No row when somebody else changed it before.
update rule_version
   set document = %(document)s::json, digest = %(digest)s, note = %(note)s, changed = %(at)s, edition = edition + 1,
       authors = case when %(by)s = any (authors) then authors else array_append(authors, %(by)s) end,
       author_name = case when %(by)s = any (authors) then author_name
                          else author_name || ', ' || %(by_name)s::text end
 where id = %(id)s
   and status = 'draft'
   and edition = %(edition)s

-- set_status --
update rule_version
   set status = %(status)s, changed = %(at)s
 where id = %(id)s
   and status = any (%(was)s)

-- retire_published --
update rule_version
   set status = 'retired', changed = %(at)s
 where kind = %(kind)s
   and name = %(name)s
   and status = 'published'

-- publish --
update rule_version
   set status = 'published', changed = %(at)s, effective = %(at)s, published = coalesce(published, %(at)s),
       reviewer = coalesce(reviewer, %(by)s), reviewer_name = coalesce(reviewer_name, %(by_name)s)
 where id = %(id)s
   and status = any (%(was)s)

-- insert_event --
insert into rule_event (kind, name, version_id, what, at, by, by_name, why)
values (%(kind)s, %(name)s, %(version_id)s, %(what)s, %(at)s, %(by)s, %(by_name)s, %(why)s)

-- events_of --
select event.what, event.at, event.by, event.by_name, event.why, version.number, version.document ->> 'version' as version
  from rule_event as event
  left join rule_version as version on version.tenant_id = event.tenant_id and version.id = event.version_id
 where event.kind = %(kind)s
   and event.name = %(name)s
 order by event.id desc

-- ask_rehearsal --
insert into rule_rehearsal (id, version_id, edition, days, status, asked, asked_by, asked_by_name)
values (%(id)s, %(version_id)s, %(edition)s, %(days)s, 'waiting', %(at)s, %(by)s, %(by_name)s)
on conflict (tenant_id, version_id) where status in ('waiting', 'running') do nothing

-- rehearsal_of --
-- The last rehearsal of a version.
select rehearsal.id::text, rehearsal.version_id::text, rehearsal.edition, rehearsal.days, rehearsal.status,
       rehearsal.asked, rehearsal.asked_by_name, rehearsal.done, rehearsal.total, rehearsal.finished,
       rehearsal.attempts, rehearsal.report, rehearsal.fault
  from rule_rehearsal as rehearsal
 where rehearsal.version_id = %(version_id)s
 order by rehearsal.asked desc, rehearsal.edition desc, rehearsal.id desc
 limit 1

-- take_rehearsal --
-- The oldest that waits, or that a process began and then was silent about.
with next as materialized (
    select waiting.id
      from rule_rehearsal as waiting
     where waiting.status = 'waiting'
        or (waiting.status = 'running' and waiting.beat < %(silent)s)
     order by waiting.asked
     limit 1
       for update skip locked
)
update rule_rehearsal as rehearsal
   set status = 'running', beat = %(now)s, attempts = rehearsal.attempts + 1
  from next
 where rehearsal.id = next.id
returning rehearsal.id::text, rehearsal.version_id::text, rehearsal.edition, rehearsal.days, rehearsal.status,
          rehearsal.asked, rehearsal.asked_by_name, rehearsal.done, rehearsal.total, rehearsal.finished,
          rehearsal.attempts, rehearsal.report, rehearsal.fault

-- beat_rehearsal --
update rule_rehearsal
   set beat = %(now)s, done = %(done)s, total = %(total)s
 where id = %(id)s
   and status = 'running'

-- finish_rehearsal --
update rule_rehearsal
   set status = case when %(report)s::text is null then 'failed' else 'done' end, finished = %(now)s,
       report = %(report)s::jsonb, fault = %(fault)s
 where id = %(id)s
   and status = 'running'
