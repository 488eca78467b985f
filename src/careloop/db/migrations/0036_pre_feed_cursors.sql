-- Every reader of the change feed has its place in one table, by its name (decision 0252).
alter table feed_cursor add column reader text not null default 'subscriptions';
alter table feed_cursor alter column reader drop default;
alter table feed_cursor drop constraint feed_cursor_pkey;
alter table feed_cursor add primary key (tenant_id, reader);

-- Places of all tenants go along: for this statement the owner of the tables is not held to one tenant.
alter table contradiction_reading no force row level security;
alter table medicine_reading no force row level security;
alter table home_feed no force row level security;
alter table trait_reading no force row level security;
alter table feed_cursor no force row level security;
insert into feed_cursor (tenant_id, reader, through, next_through, next_xid)
select tenant_id, reader, reached, ahead, ahead_before::text::xid8
  from (select 'contradictions' as reader, tenant_id, reached, ahead, ahead_before from contradiction_reading
         union all
        select 'medicines', tenant_id, reached, ahead, ahead_before from medicine_reading
         union all
        select 'monitoring', tenant_id, reached, ahead, ahead_before from home_feed
         union all
        select 'traits', tenant_id, reached, ahead, ahead_before from trait_reading) as places;
alter table feed_cursor force row level security;
drop table contradiction_reading, medicine_reading, home_feed, trait_reading;
