-- lock_current --
-- The current versions of some resources, held until the end of the transaction. Locked in one order for all writers.
select resource.key, resource.type, resource.id, resource.version, resource.last_updated, resource.deleted,
       resource.digest, resource.patient_id, resource.tokens
  from resource
 where (resource.type, resource.id) in (
       select unnest(string_to_array(%(types)s, E'\x1e')), unnest(string_to_array(%(ids)s, E'\x1e')))
 order by resource.type, resource.id
   for update

-- read_whole --
-- The same with their texts and every column of the index, not held: who writes over them names the version.
select resource.key, resource.type, resource.id, resource.version, resource.deleted, resource.digest,
       resource.patient_id, resource.tokens, resource.present, resource.body
  from resource
 where (resource.type, resource.id) in (
       select unnest(string_to_array(%(types)s, E'\x1e')), unnest(string_to_array(%(ids)s, E'\x1e')))

-- lock_names --
-- Names that no row stands for yet, held until the end of the transaction, in one order for all writers.
select pg_advisory_xact_lock(names.lock)
  from (select distinct hashtextextended(unnest(string_to_array(%(names)s, E'\x1e')), %(tenant)s) as lock
         order by 1) as names

-- next_keys --
-- The ends of %(blocks)s fresh blocks of 1,000 keys.
select nextval('resource_key') as block_end
  from generate_series(1, %(blocks)s)

-- insert_resources --
-- New resources, all arrays in step.
insert into resource (
    key, last_updated, digest, self, tenant_id, version, type, id, patient_id, tokens, present, refs, body)
select unnest(%(key)s::bigint[]), %(now)s, unnest(%(digest)s::bigint[]), unnest(%(self)s::bigint[]), %(tenant)s,
       unnest(%(version)s::int[]),
       unnest(string_to_array(%(type)s, E'\x1e')), unnest(string_to_array(%(id)s, E'\x1e')),
       unnest(string_to_array(%(patient_id)s, E'\x1e', '')),
       unnest(string_to_array(%(tokens)s, E'\x1e'))::bigint[],
       unnest(string_to_array(%(present)s, E'\x1e'))::bigint[],
       unnest(string_to_array(%(refs)s, E'\x1e'))::text[],
       unnest(string_to_array(%(body)s, E'\x1e'))

-- keep_superseded --
-- The versions about to be superseded, moved to the history.
insert into resource_history (key, last_updated, tenant_id, version, deleted, patient_id, body)
select resource.key, resource.last_updated, resource.tenant_id, resource.version, resource.deleted,
       resource.patient_id, resource.body
  from resource
 where resource.key = any (%(key)s::bigint[])

-- update_resources --
-- New versions over old ones. A row whose version is no longer the one expected is left alone, and what comes back tells.
update resource
   set version = given.version,
       last_updated = %(now)s,
       digest = given.digest,
       deleted = given.body is null,
       patient_id = given.patient_id,
       tokens = given.tokens::bigint[],
       present = given.present::bigint[],
       refs = given.refs::text[],
       body = given.body
  from (select unnest(%(key)s::bigint[]) as key,
               unnest(%(version)s::int[]) as version,
               unnest(%(digest)s::bigint[]) as digest,
               unnest(string_to_array(%(patient_id)s, E'\x1e', '')) as patient_id,
               unnest(string_to_array(%(tokens)s, E'\x1e')) as tokens,
               unnest(string_to_array(%(present)s, E'\x1e')) as present,
               unnest(string_to_array(%(refs)s, E'\x1e')) as refs,
               unnest(string_to_array(%(body)s, E'\x1e', '')) as body) as given
 where resource.key = given.key
   and resource.version = given.version - 1
returning resource.key

-- amend_resources --
-- The same where whose it is, what it refers to and which parameters have a value stay as they are.
update resource
   set version = given.version,
       last_updated = %(now)s,
       digest = given.digest,
       tokens = given.tokens::bigint[],
       body = given.body
  from (select unnest(%(key)s::bigint[]) as key,
               unnest(%(version)s::int[]) as version,
               unnest(%(digest)s::bigint[]) as digest,
               unnest(string_to_array(%(tokens)s, E'\x1e')) as tokens,
               unnest(string_to_array(%(body)s, E'\x1e')) as body) as given
 where resource.key = given.key
   and resource.version = given.version - 1
returning resource.key

-- delete_tokens --
delete from resource_token
 using (select unnest(%(token)s::bigint[]) as token, unnest(%(key)s::bigint[]) as key) as gone
 where resource_token.token = gone.token
   and resource_token.key = gone.key

-- delete_dates --
delete from resource_date
 where key = any (%(key)s::bigint[])

-- delete_strings --
delete from resource_string
 where key = any (%(key)s::bigint[])

-- delete_quantities --
delete from resource_quantity
 where key = any (%(key)s::bigint[])

-- insert_tokens --
-- The tokens of some resources, in the order of the index that they go into.
insert into resource_token (token, key, tenant_id)
select every.token, every.key, %(tenant)s
  from (select unnest(given.tokens::bigint[]) as token, given.key
          from (select unnest(%(key)s::bigint[]) as key,
                       unnest(string_to_array(%(tokens)s, E'\x1e')) as tokens) as given) as every
 order by every.token, every.key

-- insert_dates --
insert into resource_date (field, low, high, key, tenant_id, shape)
select unnest(%(field)s::bigint[]), unnest(%(low)s::timestamptz[]), unnest(%(high)s::timestamptz[]),
       unnest(%(key)s::bigint[]), %(tenant)s, unnest(%(shape)s::smallint[])

-- insert_strings --
insert into resource_string (field, key, tenant_id, value)
select unnest(%(field)s::bigint[]), unnest(%(key)s::bigint[]), %(tenant)s,
       unnest(string_to_array(%(value)s, E'\x1e'))

-- insert_quantities --
insert into resource_quantity (field, value, key, tenant_id, unit, dimension, base)
select unnest(%(field)s::bigint[]), unnest(%(value)s::double precision[]), unnest(%(key)s::bigint[]), %(tenant)s,
       unnest(string_to_array(%(unit)s, E'\x1e', '')), unnest(%(dimension)s::bigint[]),
       unnest(%(base)s::double precision[])

-- insert_words --
-- The texts among some that no row stands for yet; what comes back tells that there were any.
insert into resource_word (field, token, tenant_id, value)
select given.field, given.token, %(tenant)s, given.value
  from (select unnest(%(field)s::bigint[]) as field, unnest(%(token)s::bigint[]) as token,
               unnest(string_to_array(%(value)s, E'\x1e')) as value) as given
 where not exists (
       select from resource_word
        where resource_word.field = given.field
          and resource_word.value = given.value
          and resource_word.token = given.token)
returning token

-- words_missing --
-- Fields and texts among some that no row stands for.
select count(*) as missing
  from (select unnest(%(field)s::bigint[]) as field, unnest(%(token)s::bigint[]) as token,
               unnest(string_to_array(%(value)s, E'\x1e')) as value) as given
 where not exists (
       select from resource_word
        where resource_word.field = given.field
          and resource_word.value = given.value
          and resource_word.token = given.token)

-- index_state --
-- Which parameters the index holds in full. No row: nothing was ever written.
select parameters, fingerprint, target, reached_type, reached_key
  from search_index

-- lock_index_state --
select parameters, fingerprint, target, reached_type, reached_key
  from search_index
   for update

-- begin_index --
-- A tenant without resources is indexed in full by whatever definitions there are.
insert into search_index (tenant_id, parameters, fingerprint)
select %(tenant)s, %(parameters)s::jsonb, %(fingerprint)s
 where not exists (select from resource)
    on conflict do nothing

-- adopt_index --
-- A tenant with resources of which nobody knows how they were indexed.
insert into search_index (tenant_id, parameters, fingerprint)
values (%(tenant)s, '{}', '')
    on conflict do nothing

-- save_index_state --
update search_index
   set parameters = coalesce(%(parameters)s::jsonb, parameters),
       fingerprint = coalesce(%(fingerprint)s, fingerprint),
       target = %(target)s,
       reached_type = %(type)s,
       reached_key = %(key)s

-- next_to_index --
-- The next current resources of some types, held until the end of the transaction.
select resource.key, resource.type, resource.id, resource.tokens, resource.body
  from resource
 where resource.type = any (%(types)s)
   and (resource.type, resource.key) > (%(type)s, %(key)s)
   and not resource.deleted
 order by resource.type, resource.key
 limit %(limit)s
   for update

-- reindex_resources --
-- New index columns for some resources; their versions stay.
update resource
   set tokens = given.tokens::bigint[],
       present = given.present::bigint[],
       refs = given.refs::text[],
       patient_id = given.patient_id
  from (select unnest(%(key)s::bigint[]) as key,
               unnest(string_to_array(%(patient_id)s, E'\x1e', '')) as patient_id,
               unnest(string_to_array(%(tokens)s, E'\x1e')) as tokens,
               unnest(string_to_array(%(present)s, E'\x1e')) as present,
               unnest(string_to_array(%(refs)s, E'\x1e')) as refs) as given
 where resource.key = given.key

-- insert_changes --
insert into change_feed (key, at, tenant_id, version, change, type, id, patient_id)
select unnest(%(key)s::bigint[]), %(now)s, %(tenant)s, unnest(%(version)s::int[]),
       unnest(string_to_array(%(change)s, E'\x1e')), unnest(string_to_array(%(type)s, E'\x1e')),
       unnest(string_to_array(%(id)s, E'\x1e')), unnest(string_to_array(%(patient_id)s, E'\x1e', ''))

-- read_current --
select resource.type, resource.id, resource.version, resource.last_updated, resource.deleted, resource.patient_id,
       resource.body
  from resource
 where resource.type = %(type)s
   and resource.id = %(id)s

-- read_many --
-- The current rows of some (type, id), deleted ones too.
select resource.type, resource.id, resource.version, resource.last_updated, resource.deleted, resource.patient_id,
       resource.body
  from resource
 where (resource.type, resource.id) in (
       select unnest(string_to_array(%(types)s, E'\x1e')), unnest(string_to_array(%(ids)s, E'\x1e')))

-- read_version --
-- One version, current or superseded.
select resource.type, resource.id, resource.version, resource.last_updated, resource.deleted, resource.patient_id,
       resource.body
  from resource
 where resource.type = %(type)s
   and resource.id = %(id)s
   and resource.version = %(version)s
 union all
select resource.type, resource.id, old.version, old.last_updated, old.deleted, old.patient_id, old.body
  from resource
  join resource_history as old on old.key = resource.key and old.tenant_id = resource.tenant_id
 where resource.type = %(type)s
   and resource.id = %(id)s
   and old.version = %(version)s

-- fetch --
-- Current versions by reference; deleted ones are left out.
select resource.type, resource.id, resource.version, resource.last_updated, resource.deleted, resource.patient_id,
       resource.body
  from resource
 where (resource.type, resource.id) in (
       select unnest(string_to_array(%(types)s, E'\x1e')), unnest(string_to_array(%(ids)s, E'\x1e')))
   and not resource.deleted
 order by resource.type, resource.id

-- existing --
-- Which of some references stand in the record, deleted ones too.
select resource.type, resource.id, resource.deleted
  from resource
 where (resource.type, resource.id) in (
       select unnest(string_to_array(%(types)s, E'\x1e')), unnest(string_to_array(%(ids)s, E'\x1e')))

-- of_patient --
-- What stands about one patient, of some types, in the order in which it came.
select resource.type, resource.id, resource.version, resource.last_updated, resource.deleted, resource.patient_id,
       resource.body
  from resource
 where resource.patient_id = %(patient_id)s
   and resource.type = any (%(types)s)
   and not resource.deleted
 order by resource.key

-- mark_of_patient --
-- How many resources of some types stand about one patient, and a sum over their versions: another for every change.
select count(*) || ' ' || coalesce(sum(hashint8extended(resource.key, resource.version)), 0) as mark
  from resource
 where resource.patient_id = %(patient_id)s
   and resource.type = any (%(types)s)
   and not resource.deleted

-- mark_of_followers --
-- The same over the current resources of a type that carry any of some tokens.
select count(*) || ' ' || coalesce(sum(hashint8extended(resource.key, resource.version)), 0) as mark
  from resource
 where resource.key in (select key from resource_token where token = any (%(tokens)s::bigint[]))
   and resource.type = %(type)s
   and not resource.deleted

-- of_patients --
select resource.type, resource.id, resource.version, resource.last_updated, resource.deleted, resource.patient_id,
       resource.body
  from resource
 where resource.patient_id = any (%(patient_ids)s)
   and resource.type = any (%(types)s)
   and not resource.deleted
 order by resource.patient_id, resource.key

-- coded_of_patients --
-- What stands about a set of patients, of one type and with any of some tokens.
select resource.type, resource.id, resource.version, resource.last_updated, resource.deleted, resource.patient_id,
       resource.body
  from resource
 where resource.patient_id = any (%(patient_ids)s)
   and resource.type = %(type)s
   and resource.tokens && %(tokens)s::bigint[]
   and not resource.deleted
 order by resource.patient_id, resource.key

-- patients_since --
-- Patients with a resource of some types whose dates reach beyond `earliest`; one without any date counts by when it
-- was written.
select distinct resource.patient_id
  from resource
 where resource.type = any (%(types)s)
   and resource.patient_id is not null
   and not resource.deleted
   and (exists (select from resource_date where resource_date.key = resource.key and resource_date.high >= %(earliest)s)
        or (resource.last_updated >= %(since)s
            and not exists (select from resource_date where resource_date.key = resource.key)))
 order by 1

-- patients_with --
select distinct resource.patient_id
  from resource
 where resource.patient_id = any (%(patient_ids)s)
   and resource.type = any (%(types)s)
   and not resource.deleted

-- follow --
-- Current resources that carry any of some tokens.
select resource.type, resource.id, resource.version, resource.last_updated, resource.deleted, resource.patient_id,
       resource.body
  from resource
 where resource.key in (select key from resource_token where token = any (%(tokens)s::bigint[]))
   and resource.type = %(type)s
   and not resource.deleted
 order by resource.key

-- named_by_tokens --
-- Names of the current resources that carry any of some tokens.
select resource.type, resource.id
  from resource
 where resource.key in (select key from resource_token where token = any (%(tokens)s::bigint[]))
   and not resource.deleted
 order by resource.type, resource.id

-- included --
-- What some resources of a type refer to by any of some parameters, of some types or of all, at most so many.
select resource.type, resource.id, resource.version, resource.last_updated, resource.deleted, resource.patient_id,
       resource.body
  from (select distinct split_part(named.ref, '/', 1) as type, substr(named.ref, strpos(named.ref, '/') + 1) as id,
               source.tokens
          from resource as source
         cross join lateral unnest(source.refs) as named (ref)
         where (source.type, source.id) in (
               select unnest(string_to_array(%(types)s, E'\x1e')), unnest(string_to_array(%(ids)s, E'\x1e')))
           and (%(targets)s::text[] is null or split_part(named.ref, '/', 1) = any (%(targets)s))
        offset 0) as link
  join resource on resource.type = link.type and resource.id = link.id
 where not resource.deleted
   and exists (
       select from unnest(%(fields)s::bigint[]) as field
        where field # resource.self = any (link.tokens))
 order by resource.type, resource.id
 limit %(limit)s

-- referring --
-- Current resources that carry any of some tokens, at most so many.
select resource.type, resource.id, resource.version, resource.last_updated, resource.deleted, resource.patient_id,
       resource.body
  from resource
 where resource.key in (select key from resource_token where token = any (%(tokens)s::bigint[]))
   and not resource.deleted
 order by resource.key
 limit %(limit)s

-- chart_of_one --
-- What stands in one compartment, its centre first, in the order in which it came. A resource belongs to it by whose it
-- is or by a token of a parameter that the compartment names. With a window of care dates, what has no such date stays.
-- The keys by token are an array, so that the planner, which cannot know how many there are, looks them up and no more.
-- The texts are joined as they come by, and nothing is kept of them on the way: of a page of 300 resources the texts
-- alone cost the server three times as much when they pass through a common table expression.
select count(*) as found,
       max(key) filter (where type || '/' || id <> %(itself)s) as last_key,
       string_agg(type || '/' || id, E'\x1e') as names,
       string_agg(patient_id, E'\x1e') as patients,
       string_agg(array_to_string(refs, E'\x1e'), E'\x1e') as links,
       string_agg('{"fullUrl":"' || %(base)s || type || '/' || id || '","resource":' || body
                  || ',"search":{"mode":"match"}}', ',') as entries
  from (select resource.key, resource.type, resource.id, resource.patient_id, resource.body, resource.refs
          from resource
         where (resource.patient_id = %(patient_id)s
            or resource.key = any (array(
               select resource_token.key from resource_token where resource_token.token = any (%(tokens)s::bigint[])
                union
               select centre.key from resource as centre where centre.type = %(centre)s and centre.id = %(id)s)))
           and not resource.deleted
           and (%(types)s::text[] is null or resource.type = any (%(types)s))
           and (%(since)s::timestamptz is null or resource.last_updated >= %(since)s)
           and (%(low)s::timestamptz is null
            or exists (
               select from resource_date as care
                where care.key = resource.key
                  and care.field = any (%(fields)s::bigint[])
                  and care.low < %(high)s
                  and care.high > %(low)s)
            or not exists (
               select from resource_date as care
                where care.key = resource.key
                  and care.field = any (%(fields)s::bigint[])))
           and (%(after)s < -1 or resource.key > %(after)s
               and not (resource.type = %(centre)s and resource.id = %(id)s))
         order by (resource.type = %(centre)s and resource.id = %(id)s) desc, resource.key
         limit %(limit)s) as page

-- charts_of_all --
-- The same for all patients at once, in the order in which it came.
select count(*) as found,
       max(key) filter (where type || '/' || id <> %(itself)s) as last_key,
       string_agg(type || '/' || id, E'\x1e') as names,
       string_agg(patient_id, E'\x1e') as patients,
       string_agg(array_to_string(refs, E'\x1e'), E'\x1e') as links,
       string_agg('{"fullUrl":"' || %(base)s || type || '/' || id || '","resource":' || body
                  || ',"search":{"mode":"match"}}', ',') as entries
  from (select resource.key, resource.type, resource.id, resource.patient_id, resource.body, resource.refs
          from resource
         where resource.patient_id is not null
           and not resource.deleted
           and (%(types)s::text[] is null or resource.type = any (%(types)s))
           and (%(since)s::timestamptz is null or resource.last_updated >= %(since)s)
           and (%(low)s::timestamptz is null
            or exists (
               select from resource_date as care
                where care.key = resource.key
                  and care.field = any (%(fields)s::bigint[])
                  and care.low < %(high)s
                  and care.high > %(low)s)
            or not exists (
               select from resource_date as care
                where care.key = resource.key
                  and care.field = any (%(fields)s::bigint[])))
           and resource.key > %(after)s
         order by resource.key
         limit %(limit)s) as page

-- links_before --
-- What the resources on earlier pages of a chart refer to, cut as the chart is; `after` is -2 on its first page. Of an
-- encounter also what stands in its chart on whichever page. (Of a patient that is known by whose it is.)
with chart as materialized (
    select resource.key, resource.type, resource.id, resource.refs
      from resource
     where (resource.patient_id = %(patient_id)s
        or resource.key = any (array(
           select resource_token.key from resource_token where resource_token.token = any (%(tokens)s::bigint[])
            union
           select centre.key from resource as centre where centre.type = %(centre)s and centre.id = %(id)s)))
       and not resource.deleted
       and (%(types)s::text[] is null or resource.type = any (%(types)s))
       and (%(since)s::timestamptz is null or resource.last_updated >= %(since)s)
       and (%(low)s::timestamptz is null
        or exists (
           select from resource_date as care
            where care.key = resource.key
              and care.field = any (%(fields)s::bigint[])
              and care.low < %(high)s
              and care.high > %(low)s)
        or not exists (
           select from resource_date as care
            where care.key = resource.key
              and care.field = any (%(fields)s::bigint[])))
)
select unnest(chart.refs) as reference
  from chart
 where %(after)s >= -1
   and (chart.key <= %(after)s or chart.type = %(centre)s and chart.id = %(id)s)
 union
select chart.type || '/' || chart.id
  from chart
 where %(centre)s <> 'Patient'

-- history --
-- Versions by the change feed, newest first: of everything, one type, or one resource. A version is current from its own
-- instant until that of the next one.
select change_feed.seq, change_feed.change, change_feed.type, change_feed.id, change_feed.version, change_feed.at,
       change_feed.patient_id, change_feed.change = 'deleted' as deleted,
       coalesce(resource.body, resource_history.body) as body
  from change_feed
  left join resource
    on resource.tenant_id = change_feed.tenant_id
   and resource.key = change_feed.key
   and resource.version = change_feed.version
  left join resource_history
    on resource_history.tenant_id = change_feed.tenant_id
   and resource_history.key = change_feed.key
   and resource_history.version = change_feed.version
 where (%(type)s::text is null or change_feed.type = %(type)s)
   and (%(since)s::timestamptz is null or change_feed.at >= %(since)s)
   and (%(before)s::bigint is null or change_feed.seq < %(before)s)
   and (%(high)s::timestamptz is null or change_feed.at < %(high)s and coalesce(
       (select next.last_updated
          from resource as next
         where next.key = change_feed.key
           and next.version = change_feed.version + 1),
       (select next.last_updated
          from resource_history as next
         where next.key = change_feed.key
           and next.version = change_feed.version + 1),
       'infinity') > %(low)s)
 order by change_feed.seq desc
 limit %(limit)s

-- history_of_one --
-- Versions of one resource, newest first.
select versions.version as seq, versions.type, versions.id, versions.version, versions.at, versions.patient_id,
       versions.deleted, versions.body,
       case when versions.deleted then 'deleted' when versions.anew then 'created' else 'updated' end as change
  from (select every.*, coalesce(lag(every.deleted) over by_version, true) as anew,
               lead(every.at, 1, 'infinity') over by_version as until
          from (select resource.version, resource.type, resource.id, resource.last_updated as at, resource.patient_id,
                       resource.deleted, resource.body
                  from resource
                 where resource.type = %(type)s
                   and resource.id = %(id)s
                 union all
                select old.version, resource.type, resource.id, old.last_updated, old.patient_id, old.deleted, old.body
                  from resource
                  join resource_history as old on old.key = resource.key and old.tenant_id = resource.tenant_id
                 where resource.type = %(type)s
                   and resource.id = %(id)s) as every
        window by_version as (order by every.version)) as versions
 where (%(since)s::timestamptz is null or versions.at >= %(since)s)
   and (%(high)s::timestamptz is null or versions.at < %(high)s and versions.until > %(low)s)
   and (%(before)s::bigint is null or versions.version < %(before)s)
 order by versions.version desc
 limit %(limit)s

-- version_gaps --
-- Resources whose versions are not 1, 2, ... up to the current one, each exactly once.
select resource.type, resource.id
  from resource
  left join resource_history
    on resource_history.tenant_id = resource.tenant_id
   and resource_history.key = resource.key
 group by resource.tenant_id, resource.key, resource.type, resource.id, resource.version
having count(resource_history.version) <> resource.version - 1
    or coalesce(max(resource_history.version), 0) <> resource.version - 1
 order by resource.type, resource.id
 limit 100

-- feed_gaps --
-- Current versions that the change feed does not tell of.
select resource.type, resource.id
  from resource
 where not exists (
       select from change_feed
        where change_feed.tenant_id = resource.tenant_id
          and change_feed.key = resource.key
          and change_feed.version = resource.version)
 order by resource.type, resource.id
 limit 100

-- page_of_all --
-- The record in the order of keys, or what was written since some moment, for checking.
select resource.key, resource.type, resource.id, resource.deleted, resource.patient_id, resource.tokens, resource.present,
       resource.refs, resource.self, resource.body
  from resource
 where resource.key > %(after)s
   and (%(since)s::timestamptz is null or resource.last_updated >= %(since)s)
 order by resource.key
 limit %(limit)s

-- tokens_missing --
-- Resources among some with a token that the index does not hold.
select resource.type, resource.id
  from resource
 cross join lateral unnest(resource.tokens) as expected (token)
 where resource.key = any (%(keys)s::bigint[])
   and not exists (
       select from resource_token
        where resource_token.tenant_id = resource.tenant_id
          and resource_token.token = expected.token
          and resource_token.key = resource.key)
 group by resource.type, resource.id
 order by resource.type, resource.id

-- tokens_counted --
-- How many tokens resources name, and how many the index holds.
select (select coalesce(sum(cardinality(tokens)), 0) from resource) as named,
       (select count(*) from resource_token) as indexed

-- index_of_keys --
-- What the side tables hold for some resources, to be compared with what the bodies say.
select 'date' as kind, key, field, low, high, shape, null as text, null::float8 as number, null::bigint as dimension,
       null::float8 as base
  from resource_date
 where key = any (%(keys)s::bigint[])
 union all
select 'string', key, field, null, null, null, value, null, null, null
  from resource_string
 where key = any (%(keys)s::bigint[])
 union all
select 'quantity', key, field, null, null, null, unit, value, dimension, base
  from resource_quantity
 where key = any (%(keys)s::bigint[])

-- stamp_of_types --
-- What changes whenever a resource of some types does. Deleted ones count: a deletion is a version.
select count(*) as count, coalesce(sum(resource.version), 0)::bigint as versions, max(resource.last_updated) as newest
  from resource
 where resource.type = any (%(types)s)

-- versions_of_types --
select resource.type, resource.id, resource.version
  from resource
 where resource.type = any (%(types)s)
   and not resource.deleted
 order by resource.last_updated, resource.key
