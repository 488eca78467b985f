-- insert_account --
insert into account (id, username, name, practitioner_id, roles, password_hash, totp_secret, created)
values (%(id)s, %(username)s, %(name)s, %(practitioner_id)s, %(roles)s, %(password_hash)s, %(totp_secret)s, %(now)s)
on conflict do nothing
returning id, username, name, practitioner_id, roles, disabled

-- list_accounts --
select id, username, name, practitioner_id, roles, disabled
  from account
 order by name, id

-- first_active --
-- The first of those who are here and have one of these roles (null: any), by name, and how many there are in all.
select id, username, name, practitioner_id, roles, disabled, count(*) over () as total
  from account
 where disabled is null
   and (%(roles)s::text[] is null or roles && %(roles)s::text[])
 order by name, id
 limit %(most)s

-- active_called --
-- Those who are here, have one of these roles, and whose name, or one of its words, begins so; whose whole name it is
-- come first.
select id, username, name, practitioner_id, roles, disabled
  from account
 where disabled is null
   and roles && %(roles)s::text[]
   and (starts_with(lower(name), lower(%(begins)s)) or strpos(lower(name), ' ' || lower(%(begins)s)) > 0)
 order by lower(name) <> lower(%(begins)s), name, id
 limit %(most)s

-- list_names --
-- One text of all names by reference: lists ask for it several times a page, and thousands of rows would cost more to read
-- than to write.
select coalesce(json_object_agg('Practitioner/' || practitioner_id, name), '{}')::text
  from account
 where practitioner_id is not null

-- list_members --
select id, username, name, practitioner_id, roles, disabled
  from account
 where practitioner_id = any (%(practitioner_ids)s)
 order by name, id

-- find_account --
select id, username, name, practitioner_id, roles, disabled
  from account
 where username = %(username)s

-- read_credentials --
-- What a sign-in is checked against; a disabled account is as unknown as one that never was.
select id, username, name, practitioner_id, roles, disabled, password_hash, totp_secret
  from account
 where username = %(username)s
   and disabled is null
   and password_hash is not null

-- update_password --
update account
   set password_hash = %(password_hash)s
 where id = %(id)s

-- disable_account --
update account
   set disabled = coalesce(disabled, %(now)s)
 where id = %(id)s

-- read_totp_secret --
select totp_secret
  from account
 where id = %(id)s
   and disabled is null

-- use_totp_step --
-- One row when this step, or a later one, was not used before.
update account
   set totp_last_step = %(step)s
 where id = %(id)s
   and totp_last_step < %(step)s

-- find_address --
select account_address.account_id
  from account_address
  join account on account.tenant_id = account_address.tenant_id
              and account.id = account_address.account_id
 where account.username = %(username)s
   and account_address.address_hash = %(hash)s

-- remember_address --
insert into account_address (account_id, address_hash, last_success)
values (%(id)s, %(hash)s, %(now)s)
on conflict (tenant_id, account_id, address_hash) do update
   set last_success = excluded.last_success

-- insert_session --
insert into staff_session (token_hash, account_id, stage, created, seen, ends)
values (%(hash)s, %(account_id)s, %(stage)s, %(now)s, %(now)s, %(ends)s)

-- find_session --
select staff_session.account_id, staff_session.seen, staff_session.ends,
       account.username, account.name, account.practitioner_id, account.roles
  from staff_session
  join account on account.tenant_id = staff_session.tenant_id
              and account.id = staff_session.account_id
 where staff_session.token_hash = %(hash)s
   and staff_session.stage = %(stage)s
   and staff_session.ends > %(now)s
   and staff_session.seen > %(idle_since)s
   and account.disabled is null

-- touch_session --
update staff_session
   set seen = %(now)s
 where token_hash = %(hash)s

-- end_session --
delete from staff_session
 where token_hash = %(hash)s

-- end_sessions_of_account --
delete from staff_session
 where account_id = %(account_id)s

-- delete_old_sessions --
delete from staff_session
 where ends < %(now)s

-- charge_throttle --
-- Counts one try. No row when the bucket is blocked: then nothing was counted.
insert into sign_in_throttle as bucket (key, failures, last_failure, blocked_until)
values (%(key)s, 1, %(now)s, %(now)s)
on conflict (key) do update
   set failures = case
           when bucket.last_failure < %(now)s - %(forgotten_after)s then 1
           else bucket.failures + 1
       end,
       last_failure = %(now)s,
       blocked_until = case
           when bucket.last_failure < %(now)s - %(forgotten_after)s then %(now)s
           when bucket.failures + 1 < %(free)s then %(now)s
           else %(now)s + least(%(longest_wait)s,
                                %(first_wait)s * power(2, least(bucket.failures + 1 - %(free)s, 10)))
       end
 where bucket.blocked_until <= %(now)s
returning failures

-- throttled_until --
select blocked_until
  from sign_in_throttle
 where key = %(key)s

-- clear_throttle --
delete from sign_in_throttle
 where key = any (%(keys)s)

-- refund_throttle --
update sign_in_throttle
   set failures = greatest(failures - 1, 0),
       blocked_until = least(blocked_until, last_failure)
 where key = %(key)s

-- delete_old_throttles --
delete from sign_in_throttle
 where last_failure < %(before)s
   and blocked_until < %(before)s
