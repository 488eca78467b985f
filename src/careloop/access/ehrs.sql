-- upsert_ehr --
insert into ehr (iss, practice, id, name, client_id, client_secret, hosts, origins, created)
values (%(iss)s, %(tenant)s, %(id)s, %(name)s, %(client_id)s, %(client_secret)s, %(hosts)s, %(origins)s, %(now)s)
on conflict (iss) do update
   set name = excluded.name, client_id = excluded.client_id, client_secret = excluded.client_secret,
       hosts = excluded.hosts, origins = excluded.origins, revoked = null
 where ehr.practice = excluded.practice
returning iss, practice, id, name, client_id, client_secret, hosts, origins, revoked

-- find_ehr --
select iss, practice, id, name, client_id, client_secret, hosts, origins, revoked
  from ehr
 where iss = %(iss)s
   and revoked is null

-- list_ehrs --
select iss, practice, id, name, client_id, client_secret, hosts, origins, revoked
  from ehr
 where practice = %(tenant)s
 order by iss

-- revoke_ehr --
update ehr
   set revoked = %(now)s
 where iss = %(iss)s
   and practice = %(tenant)s
   and revoked is null
returning iss, practice, id, name, client_id, client_secret, hosts, origins, revoked
