-- scan --
-- The next current resources of a type, by key; deleted ones are left out.
select resource.key, resource.patient_id, resource.body
  from resource
 where resource.type = %(type)s
   and resource.key > %(after)s
   and not resource.deleted
 order by resource.key
 limit %(limit)s

-- scan_patient --
-- The same, only those of one patient's chart.
select resource.key, resource.patient_id, resource.body
  from resource
 where resource.type = %(type)s
   and resource.patient_id = %(patient_id)s
   and resource.key > %(after)s
   and not resource.deleted
 order by resource.key
 limit %(limit)s

-- scan_since --
-- The same, only those that changed at an instant or later.
select resource.key, resource.patient_id, resource.body
  from resource
 where resource.type = %(type)s
   and resource.last_updated >= %(since)s
   and resource.key > %(after)s
   and not resource.deleted
 order by resource.key
 limit %(limit)s
