-- last_number --
-- The last number that the change feed of all tenants gave out.
select coalesce(pg_sequence_last_value(pg_get_serial_sequence('change_feed', 'seq')::regclass), 0)

-- changes --
-- Changes in order, each with the resource after and before it.
select feed.seq, feed.at, feed.change, feed.type, feed.id, feed.version, feed.patient_id,
       coalesce(standing.body, former.body) as body, earlier.body as before
  from (select seq, key, at, version, change, type, id, patient_id
          from change_feed
         where seq > %(after)s
           and seq <= %(through)s
           and (%(types)s::text[] is null or type = any (%(types)s))
         order by seq
         limit %(limit)s) as feed
  left join resource as standing
    on standing.key = feed.key
   and standing.version = feed.version
  left join resource_history as former
    on former.key = feed.key
   and former.version = feed.version
  left join resource_history as earlier
    on earlier.key = feed.key
   and earlier.version = feed.version - 1
 order by feed.seq

-- versions --
-- The texts of some versions, current or superseded; deletions have none.
select wanted.type, wanted.id, wanted.version, resource.patient_id, coalesce(standing.body, former.body) as body
  from (select unnest(%(types)s::text[]) as type, unnest(%(ids)s::text[]) as id,
               unnest(%(versions)s::int[]) as version) as wanted
  join resource on resource.type = wanted.type and resource.id = wanted.id
  left join resource as standing
    on standing.key = resource.key
   and standing.version = wanted.version
  left join resource_history as former
    on former.key = resource.key
   and former.version = wanted.version
