-- insert_issuer --
insert into cds_issuer (iss, practice, id, name, jwks, created)
values (%(iss)s, %(tenant)s, %(id)s, %(name)s, %(jwks)s::jsonb, %(now)s)
on conflict (iss) do update
   set name = excluded.name, jwks = excluded.jwks, revoked = null
 where cds_issuer.practice = excluded.practice
returning iss, practice, id, name, jwks, revoked

-- find_issuer --
select iss, practice, id, name, jwks, revoked
  from cds_issuer
 where iss = %(iss)s
   and revoked is null

-- list_issuers --
select iss, practice, id, name, jwks, revoked
  from cds_issuer
 where practice = %(tenant)s
 order by iss

-- revoke_issuer --
update cds_issuer
   set revoked = %(now)s
 where iss = %(iss)s
   and practice = %(tenant)s
   and revoked is null
returning iss, practice, id, name, jwks, revoked

-- use_request --
-- One row when this id was not used before.
insert into cds_request (issuer_id, jti, expires)
values (%(issuer_id)s, %(jti)s, %(expires)s)
on conflict do nothing

-- delete_old_requests --
delete from cds_request
 where expires < %(before)s

-- insert_feedback --
insert into cds_feedback (issuer_id, service, card, outcome, reason, comment, at, recorded)
values (%(issuer_id)s, %(service)s, %(card)s, %(outcome)s, %(reason)s, %(comment)s, %(at)s, %(now)s)

-- list_feedback --
select service, card, outcome, reason, at
  from cds_feedback
 order by id
