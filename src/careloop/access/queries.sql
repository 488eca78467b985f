-- list_tenants --
-- All tenants. The directory has no row-level security: it names no person.
select id, slug, name, zone, production, settings, rules_revision
  from tenant
 order by slug

-- get_tenant --
select id, slug, name, zone, production, settings, rules_revision
  from tenant
 where slug = %(slug)s
    or id = %(id)s::int

-- insert_tenant --
insert into tenant (slug, name, zone, production, settings, created)
values (%(slug)s, %(name)s, %(zone)s, %(production)s, %(settings)s::jsonb, %(now)s)
on conflict (slug) do nothing
returning id, slug, name, zone, production, settings, rules_revision

-- update_tenant_settings --
update tenant
   set settings = %(settings)s::jsonb
 where id = %(id)s
returning id, slug, name, zone, production, settings, rules_revision

-- insert_audit_events --
-- Entries of the trail, in the order given. Id, time and transaction are the database's own.
insert into audit_event (
    action, subtype, outcome, agent_kind, agent_id, agent_name, agent_reference, purpose, address,
    resource_type, resource_ids, patient_ids, query, detail)
select action, subtype, outcome, agent_kind, agent_id, agent_name, agent_reference, purpose, address,
       resource_type, resource_ids, patient_ids, query, detail
  from json_to_recordset(%(entries)s::json) as entry (
       action text, subtype text, outcome text, agent_kind text, agent_id text, agent_name text, agent_reference text,
       purpose text, address text, resource_type text, resource_ids text[], patient_ids text[], query text, detail text)
