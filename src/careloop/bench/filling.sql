-- links --
-- What leads to these tables from others and from themselves: foreign keys.
select format('alter table %%s drop constraint %%I', c.conrelid::regclass, c.conname) as away,
       format('alter table %%s add constraint %%I %%s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) as again
  from pg_constraint as c
 where c.contype = 'f'
   and c.confrelid = any(%(tables)s::text[]::regclass[])
 order by 2

-- indexes --
-- Every index of these tables, the greatest work first; those of keys with their constraint, which comes back last.
select case when c.oid is null then format('drop index %%s', i.indexrelid::regclass)
            else format('alter table %%s drop constraint %%I', i.indrelid::regclass, c.conname) end as away,
       pg_get_indexdef(i.indexrelid) as again,
       case when c.oid is not null then format('alter table %%s add constraint %%I %%s using index %%I', i.indrelid::regclass, c.conname,
              case c.contype when 'p' then 'primary key' else 'unique' end, c.conname) end as named
  from pg_index as i
  left join pg_constraint as c on c.conindid = i.indexrelid and c.contype in ('p', 'u')
 where i.indrelid = any(%(tables)s::text[]::regclass[])
    or (i.indrelid = any(%(keyed)s::text[]::regclass[]) and c.oid is null)
 order by array_position(%(tables)s::text[], i.indrelid::regclass::text), 2

-- much_memory --
-- For building indexes: two are built at a time, each by one process.
select set_config('maintenance_work_mem', '1GB', true), set_config('max_parallel_maintenance_workers', '0', true),
       set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true)

-- no_triggers --
-- Nothing happens by itself in this transaction but what is named `always`.
select set_config('session_replication_role', 'replica', true), set_config('statement_timeout', '0', true)
