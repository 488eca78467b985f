-- count_loops --
-- Loops that stand in this tenant.
select count(*) from loop

-- keep_row --
-- One row in a commit of its own: the limit that a feed is compared with.
insert into pending_merge (system, value, prior_id, survivor_id, source, recorded)
values ('urn:careloop:bench', %(value)s, 'p', 's', %(text)s, now())
on conflict do nothing

-- server_processes --
-- The database's own processes that run now.
select pid from pg_stat_activity
