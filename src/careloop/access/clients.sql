-- insert_client --
insert into client (id, name, secret_hash, jwks, public, scopes, redirect_uris, launch_url, registered, created)
values (%(id)s, %(name)s, %(secret_hash)s, %(jwks)s::jsonb, %(public)s, %(scopes)s, %(redirect_uris)s, %(launch_url)s,
        %(registered)s, %(now)s)
on conflict do nothing
returning id, name, secret_hash, jwks, public, scopes, redirect_uris, launch_url, registered, created, revoked

-- list_clients --
select id, name, secret_hash, jwks, public, scopes, redirect_uris, launch_url, registered, created, revoked
  from client
 order by name, created, id

-- find_client --
select id, name, secret_hash, jwks, public, scopes, redirect_uris, launch_url, registered, created, revoked
  from client
 where id = %(id)s
   and revoked is null

-- revoke_client --
update client
   set revoked = %(now)s
 where (id = %(name_or_id)s or name = %(name_or_id)s)
   and revoked is null
returning id, name, secret_hash, jwks, public, scopes, redirect_uris, launch_url, registered, created, revoked

-- revoke_tokens_of_client --
update access_token
   set revoked = %(now)s
 where client_id = %(client_id)s
   and revoked is null

-- use_assertion --
-- One row when this id was not used before.
insert into client_assertion (client_id, jti, expires)
values (%(client_id)s, %(jti)s, %(expires)s)
on conflict do nothing

-- delete_old_assertions --
delete from client_assertion
 where expires < %(before)s

-- insert_token --
insert into access_token (token_hash, client_id, grant_id, scopes, issued, expires)
values (%(hash)s, %(client_id)s, %(grant_id)s, %(scopes)s, %(now)s, %(expires)s)

-- find_token --
-- A token of a person's grant ends with the grant and with the account, and has the roles that the person has now.
select access_token.client_id, client.name as client_name, access_token.scopes, access_token.issued,
       access_token.expires, app_grant.patient_id, account.id as account_id, account.name as account_name,
       account.practitioner_id, account.username, account.roles
  from access_token
  join client on client.tenant_id = access_token.tenant_id
             and client.id = access_token.client_id
  left join app_grant on app_grant.tenant_id = access_token.tenant_id
                     and app_grant.id = access_token.grant_id
                     and app_grant.revoked is null
  left join account on account.tenant_id = app_grant.tenant_id
                   and account.id = app_grant.account_id
                   and account.disabled is null
 where access_token.token_hash = %(hash)s
   and access_token.expires > %(now)s
   and access_token.revoked is null
   and client.revoked is null
   and (access_token.grant_id is null or account.id is not null)

-- revoke_token --
update access_token
   set revoked = %(now)s
 where token_hash = %(hash)s
   and client_id = %(client_id)s
   and revoked is null

-- revoke_grants_of_client --
update app_grant
   set revoked = %(now)s
 where client_id = %(client_id)s
   and revoked is null

-- list_launchable --
select id, name, secret_hash, jwks, public, scopes, redirect_uris, launch_url, registered, created, revoked
  from client
 where launch_url is not null
   and revoked is null
 order by name, id

-- delete_old_tokens --
delete from access_token
 where expires < %(before)s
