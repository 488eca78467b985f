-- What a narrowed principal sees of the record: an app that acts for one patient, or that may read some categories only.
--
-- Such a request steps down to the role careloop_narrow, which reads these tables and no others, and writes nothing but
-- its audit entries. What it sees is said by settings of the transaction (see careloop.access.sight); without them it
-- sees nothing. Policies for one role cost the requests of all others nothing (docs/decisions/0155).

grant select on resource, resource_history, resource_token, resource_date, resource_string, resource_quantity,
                resource_word, search_index, change_feed, tenant
   to careloop_narrow;
grant insert on audit_event to careloop_narrow;

create function sight_texts(name text) returns text[] language sql stable parallel safe as $$
    select coalesce(string_to_array(nullif(current_setting('app.sight_' || name, true), ''), ','), '{}')
$$;
create function sight_numbers(name text) returns bigint[] language sql stable parallel safe as $$
    select sight_texts(name)::bigint[]
$$;

-- A resource is seen where its type is, or one of its categories; or where it is the one patient's and its type, or one
-- of its categories, is seen of that patient.
-- What has a hidden label is not seen whatever else it is (assessments.md AS-09).
create policy in_sight on resource as restrictive for select to careloop_narrow using (
    not (tokens && (select sight_numbers('hidden'))::bigint[])
    and (type = any ((select sight_texts('types'))::text[])
    or tokens && (select sight_numbers('tokens'))::bigint[]
    or patient_id = (select nullif(current_setting('app.sight_patient', true), ''))
       and (   (select '*' = any (sight_texts('patient_types')))
            or type = any ((select sight_texts('patient_types'))::text[])
            or tokens && (select sight_numbers('patient_tokens'))::bigint[]))
);

-- What tells of a resource is seen where the resource is. Versions from when it was about somebody else are not.
create policy in_sight on resource_history as restrictive for select to careloop_narrow using (
    exists (select from resource
             where resource.key = resource_history.key
               and resource.patient_id is not distinct from resource_history.patient_id));
create policy in_sight on change_feed as restrictive for select to careloop_narrow using (
    exists (select from resource
             where resource.key = change_feed.key
               and resource.patient_id is not distinct from change_feed.patient_id));
create policy in_sight on resource_token as restrictive for select to careloop_narrow using (
    exists (select from resource where resource.key = resource_token.key));
create policy in_sight on resource_date as restrictive for select to careloop_narrow using (
    exists (select from resource where resource.key = resource_date.key));
create policy in_sight on resource_string as restrictive for select to careloop_narrow using (
    exists (select from resource where resource.key = resource_string.key));
create policy in_sight on resource_quantity as restrictive for select to careloop_narrow using (
    exists (select from resource where resource.key = resource_quantity.key));
