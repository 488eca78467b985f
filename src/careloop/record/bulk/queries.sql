-- count_unfinished --
select count(*)
  from bulk_job
 where asked_by = %(asked_by)s
   and state in ('waiting', 'working')

-- insert_job --
insert into bulk_job (
    id, kind, asked_by, asked_by_kind, asked_by_name, address, request, parameters, state, asked)
values (
    %(id)s::uuid, %(kind)s, %(asked_by)s, %(asked_by_kind)s, %(asked_by_name)s, %(address)s, %(request)s,
    %(parameters)s::jsonb, 'waiting', %(now)s)

-- find_job --
select id::text, kind, asked_by, asked_by_kind, asked_by_name, address, request, parameters, state, progress, attempts,
       asked, expires, manifest, reason
  from bulk_job
 where id = %(id)s::uuid
   and asked_by = %(asked_by)s
   and state <> 'cancelled'

-- take_job --
update bulk_job
   set state = 'working', beat = %(now)s, attempts = attempts + 1
 where (tenant_id, id) = (
       select tenant_id, id
         from bulk_job
        where state = 'waiting'
           or (state = 'working' and beat < %(lost)s)
        order by asked
        limit 1
          for update skip locked)
returning id::text, kind, asked_by, asked_by_kind, asked_by_name, address, request, parameters, state, progress,
          attempts, asked, expires, manifest, reason

-- beat --
update bulk_job
   set beat = %(now)s, progress = %(progress)s
 where id = %(id)s::uuid
   and state = 'working'

-- finish_job --
update bulk_job
   set state = 'done', finished = %(now)s, expires = %(expires)s, manifest = %(manifest)s::jsonb
 where id = %(id)s::uuid
   and state = 'working'

-- fail_job --
update bulk_job
   set state = 'failed', finished = %(now)s, expires = %(expires)s, reason = %(reason)s
 where id = %(id)s::uuid
   and state = 'working'

-- cancel_job --
update bulk_job
   set state = 'cancelled', finished = %(now)s, expires = %(now)s
 where id = %(id)s::uuid

-- forget_jobs --
delete from bulk_job
 where expires <= %(now)s
   and state <> 'working'
returning id::text

-- longest_write --
select coalesce(max(clock_timestamp() - xact_start), interval '0')
  from pg_stat_activity
 where backend_xid is not null
   and datname = current_database()

-- page --
-- Current resources of a type in the order of keys, about everybody or some patients.
select key, id, body
  from resource
 where type = %(type)s
   and not deleted
   and key > %(after)s
   and (%(since)s::timestamptz is null or last_updated >= %(since)s)
   and (not %(of_patients)s or patient_id is not null)
 order by key
 limit %(limit)s

-- page_of_patients --
-- The same about some patients.
select key, id, body
  from resource
 where type = %(type)s
   and not deleted
   and key > %(after)s
   and (%(since)s::timestamptz is null or last_updated >= %(since)s)
   and patient_id = any (%(patients)s)
 order by key
 limit %(limit)s

-- deleted_since --
select key, type, id, last_updated
  from resource
 where type = any (%(types)s)
   and deleted
   and last_updated >= %(since)s
   and (not %(of_patients)s or patient_id is not null)
   and (%(patients)s::text[] is null or patient_id = any (%(patients)s))
 order by key

-- types_there --
-- Types of which anything stands. One look into the index for each type, however many resources there are.
select wanted.type
  from unnest(%(types)s::text[]) as wanted (type)
 where exists (
       select from resource
        where resource.type = wanted.type
          and not resource.deleted)
 order by wanted.type

-- history_page --
-- Superseded versions in the order of keys.
select key, version, body
  from resource_history
 where (key, version) > (%(after)s, %(after_version)s)
   and body is not null
 order by key, version
 limit %(limit)s

-- lines_of_loop --
select key, line
  from (select row_number() over (order by id) as key, to_jsonb(loop) - 'tenant_id' as line from loop) as numbered
 where key > %(after)s
 order by key
 limit %(limit)s

-- lines_of_loop_step --
select key, line
  from (select row_number() over (order by loop_id, step_id) as key, to_jsonb(loop_step) - 'tenant_id' as line
          from loop_step) as numbered
 where key > %(after)s
 order by key
 limit %(limit)s

-- lines_of_loop_act --
select key, line
  from (select row_number() over (order by at, id) as key, to_jsonb(loop_act) - 'tenant_id' as line
          from loop_act) as numbered
 where key > %(after)s
 order by key
 limit %(limit)s

-- lines_of_rule_version --
select key, line
  from (select row_number() over (order by created, id) as key, to_jsonb(rule_version) - 'tenant_id' as line
          from rule_version) as numbered
 where key > %(after)s
 order by key
 limit %(limit)s

-- lines_of_rule_event --
select id as key, to_jsonb(rule_event) - 'tenant_id' as line
  from rule_event
 where id > %(after)s
 order by id
 limit %(limit)s

-- lines_of_audit_event --
select id as key, to_jsonb(audit_event) - 'tenant_id' as line
  from audit_event
 where id > %(after)s
 order by id
 limit %(limit)s
