-- holders --
-- Which patients hold these numbers now. Each number is looked up by itself: a plan that never reads the table.
select asked.system, asked.value, known.patient_id, known.prior_id
  from unnest(%(systems)s::text[], %(values)s::text[]) as asked (system, value)
 cross join lateral (
       select patient_id, prior_id
         from patient_identifier
        where patient_identifier.system = asked.system and patient_identifier.value = asked.value
        limit 1) as known

-- standing --
-- Everything known of some patients and some numbers, in one answer: who holds the numbers, which numbers stand on the
-- patients' resources, how the patients look, which are merged away, which are asked about for their likeness.
select 'number' as kind, known.patient_id, asked.system, asked.value, known.prior_id as other_id, known.on_resource,
       null::jsonb as features
  from unnest(%(systems)s::text[], %(values)s::text[]) as asked (system, value)
 cross join lateral (
       select patient_id, prior_id, on_resource
         from patient_identifier
        where patient_identifier.system = asked.system and patient_identifier.value = asked.value
        limit 1) as known
 union all
select 'own', patient_id, system, value, prior_id, on_resource, null
  from patient_identifier
 where patient_id = any(%(touched)s)
 union all
select 'looks', patient_id, null, null, null, null, features
  from patient_features
 where patient_id = any(%(touched)s)
 union all
select 'merged', prior_id, null, null, survivor_id, null, null
  from patient_merge
 where prior_id = any(%(touched)s) and undone is null
 union all
select 'asked', left_id, null, null, right_id, null, null
  from person_match
 where left_id = any(%(touched)s) and state in ('open', 'asking') and reason = 'demographics'
 union all
select 'asked', right_id, null, null, left_id, null, null
  from person_match
 where right_id = any(%(touched)s) and state in ('open', 'asking') and reason = 'demographics'

-- claim --
-- Give free numbers to a patient; in the one order of the primary key, so that two claims never deadlock. A claim
-- of the same number in another transaction is waited for. Answers the numbers that were free.
insert into patient_identifier (system, value, patient_id, skeleton, on_resource, prior_id, recorded)
select free.system, free.value, free.patient_id, free.skeleton, %(on_resource)s, %(prior_id)s, %(now)s
  from unnest(%(systems)s::text[], %(values)s::text[], %(skeletons)s::text[], %(patients)s::text[])
       as free (system, value, skeleton, patient_id)
 order by free.system, free.value
on conflict (tenant_id, system, value) do nothing
returning system, value

-- hand_to --
-- Numbers that this transaction claimed for a new id now belong to the patient that was there first.
update patient_identifier as mine
   set patient_id = %(patient_id)s
  from unnest(%(systems)s::text[], %(values)s::text[]) as asked (system, value)
 where mine.system = asked.system and mine.value = asked.value and mine.patient_id = %(from_id)s

-- look_alikes --
-- Other patients whose number in the same system looks like one of these without being equal.
select distinct asked.patient_id as patient_id, known.patient_id as other_id
  from unnest(%(systems)s::text[], %(values)s::text[], %(skeletons)s::text[], %(patients)s::text[])
       as asked (system, value, skeleton, patient_id)
  join patient_identifier as known
    on known.system = asked.system and known.skeleton = asked.skeleton and known.value <> asked.value
   and known.patient_id <> asked.patient_id
 order by 1, 2

-- mark_on_resource --
-- Numbers seen on the patient's own resource.
update patient_identifier as mine
   set on_resource = true
  from unnest(%(systems)s::text[], %(values)s::text[], %(patients)s::text[]) as seen (system, value, patient_id)
 where mine.system = seen.system and mine.value = seen.value and mine.patient_id = seen.patient_id
   and not mine.on_resource

-- release --
-- These numbers of these patients are free again; numbers that came with a merge stay.
delete from patient_identifier as mine
 using unnest(%(systems)s::text[], %(values)s::text[], %(patients)s::text[]) as gone (system, value, patient_id)
 where mine.system = gone.system and mine.value = gone.value and mine.patient_id = gone.patient_id
   and mine.prior_id is null

-- survivor_of --
-- The end of the chain of merges that starts at this patient; the patient itself where it is not merged.
with recursive chain (patient_id, depth) as (
    select %(patient_id)s::text collate "C", 0
    union all
    select patient_merge.survivor_id, chain.depth + 1
      from chain
      join patient_merge on patient_merge.prior_id = chain.patient_id and patient_merge.undone is null
     where chain.depth < 100
)
select patient_id from chain order by depth desc limit 1

-- put_features --
-- What these patients look like now.
insert into patient_features (patient_id, features)
select fresh.patient_id, fresh.features
  from unnest(%(patients)s::text[], array(select jsonb_array_elements(%(features)s::jsonb))) as fresh (patient_id, features)
 order by fresh.patient_id
on conflict (tenant_id, patient_id) do update
   set features = excluded.features

-- drop_keys --
delete from patient_key where patient_id = any(%(patients)s)

-- drop_some_keys --
delete from patient_key as mine
 using unnest(%(keys)s::bigint[], %(patients)s::text[]) as gone (key, patient_id)
 where mine.key = gone.key and mine.patient_id = gone.patient_id

-- put_keys --
insert into patient_key (key, patient_id)
select fresh.key, fresh.patient_id
  from unnest(%(keys)s::bigint[], %(patients)s::text[]) as fresh (key, patient_id)
 order by fresh.key, fresh.patient_id
on conflict do nothing

-- drop_features --
delete from patient_features where patient_id = any(%(patients)s)

-- drop_identifiers --
delete from patient_identifier where patient_id = any(%(patients)s) and prior_id is null

-- neighbours --
-- Patients that share a key, with their looks. A key that more than %(most)s people share says nothing and is passed
-- over.
select distinct asked.patient_id, other.patient_id as other_id, looks.features
  from unnest(%(keys)s::bigint[], %(patients)s::text[]) as asked (key, patient_id)
 cross join lateral (
       select array_agg(block.patient_id) as members
         from (select patient_id from patient_key where key = asked.key limit %(most)s + 1) as block) as found
 cross join lateral unnest(found.members) as other (patient_id)
 cross join lateral (
       select features from patient_features where patient_features.patient_id = other.patient_id) as looks
 where cardinality(found.members) <= %(most)s
   and other.patient_id <> asked.patient_id
 order by 1, 2

-- open_match --
-- Put pairs into the review queue. A pair that a person decided stays decided, unless facts have come since that speak
-- more strongly for one person (%(stronger)s points) than those that the decision rested on; one that was withdrawn may
-- come back. A changed score alone does not bring a Task again.
insert into person_match as had (id, step_task_id, left_id, right_id, reason, points, grade, opened, due)
select fresh.id, fresh.step_task_id, fresh.left_id, fresh.right_id, fresh.reason, fresh.points, fresh.grade, %(now)s, %(due)s
  from unnest(%(ids)s::text[], %(steps)s::text[], %(lefts)s::text[], %(rights)s::text[], %(reasons)s::text[],
              %(points)s::numeric[], %(grades)s::text[]) as fresh (id, step_task_id, left_id, right_id, reason, points, grade)
 order by fresh.left_id, fresh.right_id
on conflict (tenant_id, left_id, right_id) do update
   set state = case when had.state = 'asking' then had.state else 'open' end,
       points = excluded.points, grade = excluded.grade,
       opened = case when had.state in ('withdrawn', 'different') then excluded.opened else had.opened end,
       due = case when had.state in ('withdrawn', 'different') then excluded.due else had.due end,
       decided = null, decided_by = null, why = null, decided_points = null
 where had.state = 'withdrawn'
    or (had.state in ('open', 'asking') and had.points <> excluded.points)
    or (had.state = 'different' and excluded.points >= had.decided_points + %(stronger)s)
returning id

-- withdraw --
-- Open pairs of these patients that rest on likeness alone and are no longer alike.
update person_match
   set state = 'withdrawn'
 where state in ('open', 'asking')
   and reason = 'demographics'
   and (left_id = any(%(patients)s) or right_id = any(%(patients)s))
   and not (id = any(%(kept)s))
returning id

-- match_row --
select id, step_task_id, left_id, right_id, reason, points, grade, state, opened, due, decided, decided_by, why,
       merge_id, announced, asking
  from person_match
 where id = %(id)s
   for update

-- match_of_task --
select id, step_task_id, left_id, right_id, reason, points, grade, state, opened, due, decided, decided_by, why,
       merge_id, announced, asking
  from person_match
 where id = %(id)s or step_task_id = %(id)s
   for update

-- open_matches --
select id, step_task_id, left_id, right_id, reason, points, grade, state, opened, due, decided, decided_by, why,
       merge_id, announced, asking
  from person_match
 where state in ('open', 'asking')
 order by state desc, due, points desc, id
 limit %(limit)s

-- unannounced --
-- Pairs whose Task does not show their state yet, each handed to one transaction.
select id, step_task_id, left_id, right_id, reason, points, grade, state, opened, due, decided, decided_by, why,
       merge_id, announced, asking
  from person_match
 where announced is distinct from state
 order by id
 limit %(limit)s
   for update skip locked

-- announced --
update person_match set announced = state where id = any(%(ids)s)

-- settle --
-- A pair's new state; `decided` empty opens it again.
update person_match
   set state = %(state)s, decided = %(decided)s, decided_by = %(decided_by)s, why = %(why)s, merge_id = %(merge_id)s,
       decided_points = %(points)s, asking = null
 where id = %(id)s

-- ask_first --
-- Nobody can tell yet: what somebody has to find out, and until when.
update person_match
   set state = 'asking', asking = %(asking)s, due = %(due)s, announced = null
 where id = %(id)s

-- settle_merged --
-- Open pairs that a merge from another door answered.
update person_match
   set state = 'same', decided = %(decided)s, decided_by = %(decided_by)s, why = %(why)s, merge_id = %(merge_id)s
 where state in ('open', 'asking') and left_id = %(left)s and right_id = %(right)s

-- count_open --
select count(*) from person_match where state in ('open', 'asking')

-- standing_merge --
select id, prior_id, survivor_id, named_survivor_id, source, merged, merged_by, prior_was_active, undone
  from patient_merge
 where prior_id = %(prior_id)s and undone is null

-- merged_away --
-- Everybody who is joined to another patient now.
select distinct prior_id
  from patient_merge
 where undone is null
 order by prior_id

-- late_priors --
-- Patients who are joined to another and about whom something was written since. What never moves is left out.
select distinct patient_merge.prior_id
  from patient_merge
  join resource on resource.tenant_id = patient_merge.tenant_id
               and resource.patient_id = patient_merge.prior_id
               and resource.last_updated > patient_merge.merged
               and not resource.deleted
               and resource.type <> all(%(staying)s)
 where patient_merge.undone is null
 order by patient_merge.prior_id
 limit 200

-- merge_row --
select id, prior_id, survivor_id, named_survivor_id, source, merged, merged_by, prior_was_active, undone
  from patient_merge
 where id = %(id)s
   for update

-- merges_of --
select id, prior_id, survivor_id, named_survivor_id, source, merged, merged_by, prior_was_active, undone
  from patient_merge
 where prior_id = %(patient_id)s or survivor_id = %(patient_id)s
 order by merged, id

-- merges_named --
-- Merges that named this patient as survivor while it was itself merged away.
select id, prior_id, survivor_id, named_survivor_id, source, merged, merged_by, prior_was_active, undone
  from patient_merge
 where named_survivor_id = %(named)s and survivor_id <> named_survivor_id and undone is null
 order by merged, id

-- put_merge --
insert into patient_merge (id, prior_id, survivor_id, named_survivor_id, source, merged, merged_by, prior_was_active)
values (%(id)s, %(prior_id)s, %(survivor_id)s, %(named_survivor_id)s, %(source)s, %(merged)s, %(merged_by)s,
        %(prior_was_active)s)

-- undo_merge --
update patient_merge set undone = %(undone)s, undone_by = %(undone_by)s where id = %(id)s

-- repoint_merge --
update patient_merge set survivor_id = %(survivor_id)s where id = %(id)s

-- log_moved --
insert into patient_merge_moved (merge_id, resource_type, resource_id, version, original, paths)
select %(merge_id)s, moved.resource_type, moved.resource_id, moved.version, %(original)s,
       case when moved.paths = '' then null else string_to_array(moved.paths, E'\n') end
  from unnest(%(types)s::text[], %(ids)s::text[], %(versions)s::int[], %(paths)s::text[])
       as moved (resource_type, resource_id, version, paths)
on conflict do nothing

-- moved --
select resource_type, resource_id, version, original, paths
  from patient_merge_moved
 where merge_id = %(merge_id)s
 order by resource_type, resource_id

-- move_identifiers --
-- All numbers of the prior patient lead to the survivor, and remember where they came from.
update patient_identifier
   set patient_id = %(survivor_id)s, prior_id = coalesce(prior_id, %(prior_id)s)
 where patient_id = %(prior_id)s

-- return_identifiers --
-- Numbers that came with these merged-away patients lead back to the one that is unmerged.
update patient_identifier
   set patient_id = %(to_id)s, prior_id = case when prior_id = %(to_id)s then null else prior_id end
 where patient_id = %(from_id)s and prior_id = any(%(priors)s)

-- merged_into --
select prior_id from patient_merge where survivor_id = any(%(survivors)s) and undone is null order by prior_id

-- numbers_of --
select system, value from patient_identifier where patient_id = %(patient_id)s order by system, value

-- prior_appeared --
update pending_merge set appeared = %(now)s where prior_id = %(prior_id)s and appeared is null

-- put_pending --
insert into pending_merge (system, value, prior_id, survivor_id, source, recorded)
values (%(system)s, %(value)s, %(prior_id)s, %(survivor_id)s, %(source)s, %(now)s)
on conflict (tenant_id, system, value) do nothing

-- pending --
select system, value, prior_id, survivor_id, source, recorded
  from pending_merge
 where appeared is null
 order by recorded, system, value
 limit %(limit)s

-- pending_appeared --
-- The number of a waiting merge has been used: nobody needs to look at it any more.
update pending_merge as waiting
   set appeared = %(now)s
  from unnest(%(systems)s::text[], %(values)s::text[]) as seen (system, value)
 where waiting.system = seen.system and waiting.value = seen.value and waiting.appeared is null
returning waiting.prior_id

-- types_of_patient --
-- Which types of resources stand about this patient.
select distinct type from resource where patient_id = %(patient_id)s and not deleted order by type

-- counts_about --
-- How many resources of each type stand about each of these patients.
select patient_id, type, count(*) as total
  from resource
 where patient_id = any(%(patients)s) and not deleted
 group by patient_id, type
 order by type, patient_id

-- all_looks --
-- How everybody looks, in pages by id.
select patient_id, features from patient_features where patient_id > %(after)s order by patient_id limit %(limit)s

-- looks_of --
select patient_id, features from patient_features where patient_id = any(%(patients)s)
