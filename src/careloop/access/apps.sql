-- insert_launch --
insert into app_launch (launch_hash, client_id, account_id, patient_id, expires)
values (%(hash)s, %(client_id)s, %(account_id)s, %(patient_id)s, %(expires)s)

-- find_launch --
select patient_id
  from app_launch
 where launch_hash = %(hash)s
   and client_id = %(client_id)s
   and account_id = %(account_id)s
   and expires > %(now)s

-- use_launch --
delete from app_launch
 where launch_hash = %(hash)s

-- insert_grant --
insert into app_grant (id, client_id, account_id, scopes, patient_id, nonce, created)
values (%(id)s, %(client_id)s, %(account_id)s, %(scopes)s, %(patient_id)s, %(nonce)s, %(now)s)

-- find_grant --
select app_grant.id, app_grant.client_id, app_grant.scopes, app_grant.patient_id, app_grant.nonce, app_grant.created,
       account.id as account_id, account.practitioner_id
  from app_grant
  join account on account.tenant_id = app_grant.tenant_id
              and account.id = app_grant.account_id
 where app_grant.id = %(id)s
   and app_grant.revoked is null
   and account.disabled is null

-- revoke_grant --
update app_grant
   set revoked = coalesce(revoked, %(now)s)
 where id = %(id)s
   and client_id = %(client_id)s

-- insert_ticket --
insert into app_ticket (ticket_hash, kind, grant_id, redirect_uri, code_challenge, expires)
values (%(hash)s, %(kind)s, %(grant_id)s, %(redirect_uri)s, %(code_challenge)s, %(expires)s)

-- use_ticket --
-- The ticket as it was before; held until the transaction ends, so that of two uses at once one is the second.
with before as (
    select app_ticket.ticket_hash, app_ticket.used, app_ticket.grant_id, app_ticket.redirect_uri,
           app_ticket.code_challenge, app_ticket.expires, app_grant.client_id
      from app_ticket
      join app_grant on app_grant.tenant_id = app_ticket.tenant_id
                    and app_grant.id = app_ticket.grant_id
     where app_ticket.ticket_hash = %(hash)s
       and app_ticket.kind = %(kind)s
       and app_grant.client_id = %(client_id)s
       for update of app_ticket
)
update app_ticket
   set used = coalesce(before.used, %(now)s)
  from before
 where app_ticket.ticket_hash = before.ticket_hash
returning before.used, before.grant_id, before.redirect_uri, before.code_challenge, before.expires, before.client_id

-- find_refresh --
select app_ticket.grant_id, app_ticket.used, app_ticket.expires
  from app_ticket
  join app_grant on app_grant.tenant_id = app_ticket.tenant_id
                and app_grant.id = app_ticket.grant_id
 where app_ticket.ticket_hash = %(hash)s
   and app_ticket.kind = 'refresh'
   and app_grant.client_id = %(client_id)s
   and app_grant.revoked is null

-- grant_of_token --
select access_token.grant_id
  from access_token
 where access_token.token_hash = %(hash)s
   and access_token.client_id = %(client_id)s

-- delete_old_tickets --
delete from app_ticket
 where expires < %(before)s

-- delete_old_launches --
delete from app_launch
 where expires < %(before)s
