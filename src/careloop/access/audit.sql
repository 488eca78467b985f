-- unsealed --
-- Committed entries that no seal covers, in the order in which they will be sealed. Only entries of transactions that
-- were still open at the last seal can be missing from the seals that name entries as new as that.
with since as (
    select coalesce((select horizon from audit_seal order by number desc limit 1), 0) as horizon
),
sealed as (
    select unnest(audit_seal.event_ids) as id
      from audit_seal
     where audit_seal.last_transaction >= (select horizon from since)
)
select id, recorded, transaction, action, subtype, outcome, agent_kind, agent_id, agent_name, agent_reference,
       purpose, address, resource_type, resource_ids, patient_ids, query, detail,
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint as horizon
  from audit_event
 where transaction >= (select horizon from since)
   and not exists (select 1 from sealed where sealed.id = audit_event.id)
 order by transaction, id
 limit %(batch)s

-- last_seal --
select number, digest
  from audit_seal
 order by number desc
 limit 1

-- insert_seal --
insert into audit_seal (number, event_ids, digests, previous, digest, last_transaction, horizon, sealed)
values (%(number)s, %(event_ids)s, %(digests)s, %(previous)s, %(digest)s, %(last_transaction)s, %(horizon)s, %(sealed)s)

-- seals_after --
select number, event_ids, digests, previous, digest, last_transaction, horizon, sealed
  from audit_seal
 where number > %(number)s
 order by number
 limit %(page)s

-- entries_of_seal --
select id, recorded, transaction, action, subtype, outcome, agent_kind, agent_id, agent_name, agent_reference,
       purpose, address, resource_type, resource_ids, patient_ids, query, detail
  from audit_event
 where id = any (%(ids)s)

-- entries_added --
-- Entries that should have been sealed long ago, and are not: somebody put them there.
select id
  from audit_event
 where transaction < (select horizon from audit_seal order by number desc limit 1)
   and not exists (
       select 1
         from (select unnest(event_ids) as id from audit_seal) as sealed
        where sealed.id = audit_event.id)
 order by id
 limit 1000

-- search_audit --
-- One line for each entry and patient (IHE BALP: one AuditEvent for each patient), newest first.
select audit_event.id, recorded, action, subtype, outcome, agent_kind, agent_id, agent_name, agent_reference, purpose, address,
       resource_type, resource_ids, query, detail, cardinality(patient_ids) as patients,
       patient.id as patient_id, patient.position
  from audit_event
  left join lateral unnest(patient_ids) with ordinality as patient (id, position)
    on %(patient)s::text is null
    or patient.id = %(patient)s
 where (%(patient)s::text is null or patient_ids @> array[%(patient)s::text])
   and (%(agent)s::text is null or agent_reference = %(agent)s or agent_id = %(agent)s)
   and (%(action)s::text[] is null or action = any (%(action)s))
   and (%(subtype)s::text is null or subtype = %(subtype)s)
   and (%(outcome)s::text is null or outcome = %(outcome)s)
   and (%(low)s::timestamptz is null or recorded >= %(low)s)
   and (%(high)s::timestamptz is null or recorded < %(high)s)
   and (%(id)s::bigint is null or audit_event.id = %(id)s)
   and (%(before_id)s::bigint is null
        or (audit_event.id, coalesce(patient.position, 0)) < (%(before_id)s, %(before_position)s))
 order by audit_event.id desc, coalesce(patient.position, 0) desc
 limit %(count)s
