-- next_sheet_number --
select nextval('sheet_number')

-- claim_code --
-- No row when the code is somebody's already.
insert into partner_code (hash, belongs_to)
values (%(hash)s, %(tenant_id)s)
on conflict do nothing
returning hash

-- tenant_of_code --
select belongs_to
  from partner_code
 where hash = %(hash)s

-- add_link --
insert into partner_link (id, hash, sheet_hash, sheet_number, purpose, patient_id, request, task, partner,
                          partner_reference, asks, expects, created, created_by, expires)
values (%(id)s, %(hash)s, %(sheet_hash)s, %(sheet_number)s, %(purpose)s, %(patient_id)s, %(request)s, %(task)s,
        %(partner)s, %(partner_reference)s, %(asks)s, %(expects)s, %(now)s, %(created_by)s, %(expires)s)

-- find_link --
select id::text, purpose, patient_id, request, task, partner, partner_reference, asks, expects, sheet_number, created,
       created_by, expires, attempts, used, answer, withdrawn
  from partner_link
 where hash = %(hash)s or sheet_hash = %(hash)s

-- link_by_id --
select id::text, purpose, patient_id, request, task, partner, partner_reference, asks, expects, sheet_number, created,
       created_by, expires, attempts, used, answer, withdrawn
  from partner_link
 where id = %(id)s

-- lock_link --
select id::text, purpose, patient_id, request, task, partner, partner_reference, asks, expects, sheet_number, created,
       created_by, expires, attempts, used, answer, withdrawn
  from partner_link
 where id = %(id)s
   for update

-- links_of_request --
select id::text, purpose, patient_id, request, task, partner, partner_reference, asks, expects, sheet_number, created,
       created_by, expires, attempts, used, answer, withdrawn
  from partner_link
 where request = %(request)s
 order by created desc, id

-- links_by_sheets --
select sheet_hash, id::text, purpose, patient_id, request, task, partner, partner_reference, asks, expects, sheet_number,
       created, created_by, expires, attempts, used, answer, withdrawn
  from partner_link
 where sheet_hash = any (%(hashes)s)

-- note_attempt --
update partner_link
   set attempts = attempts + 1
 where id = %(id)s

-- use_link --
update partner_link
   set used = %(now)s, answer = %(answer)s
 where id = %(id)s
   and used is null

-- withdraw_link --
update partner_link
   set withdrawn = %(now)s
 where id = %(id)s
   and used is null
   and withdrawn is null
