-- add_paper --
-- No row when the same file is there already.
insert into paper (id, digest, name, content_type, content, came, came_by, source, status, late_at, pages, said)
values (%(id)s, %(digest)s, %(name)s, %(content_type)s, %(content)s, %(now)s, %(by)s, %(source)s, 'waiting',
        %(late_at)s, %(pages)s::jsonb, %(said)s)
on conflict (tenant_id, digest) where split_from is null do nothing
returning id

-- add_part --
insert into paper (id, digest, name, content_type, came, came_by, source, status, late_at, split_from, pages,
                   said)
select %(id)s, whole.digest, whole.name, whole.content_type, whole.came, whole.came_by, whole.source, 'waiting',
       whole.late_at, coalesce(whole.split_from, whole.id), %(pages)s::jsonb, %(said)s
  from paper as whole
 where whole.id = %(whole)s

-- add_page --
insert into paper_page (paper, page, image)
values (%(paper)s, %(page)s, %(image)s)

-- paper_by_digest --
select id::text
  from paper
 where digest = %(digest)s
   and split_from is null

-- paper --
select id::text, coalesce(split_from, id)::text as file_id, name, content_type, came, came_by, source, status, late_at,
       pages, said, patient_id, document, kind, matter, settled, settled_by, how, why, glanced
  from paper
 where id = %(id)s

-- lock_paper --
select id::text, coalesce(split_from, id)::text as file_id, name, content_type, came, came_by, source, status, late_at,
       pages, said, patient_id, document, kind, matter, settled, settled_by, how, why, glanced
  from paper
 where id = %(id)s
   for update

-- content --
select content
  from paper
 where id = %(id)s

-- page_image --
select image
  from paper_page
 where paper = %(paper)s
   and page = %(page)s

-- waiting --
-- What waits longest comes first.
select id::text, coalesce(split_from, id)::text as file_id, name, content_type, came, came_by, source, status, late_at,
       pages, '' as said, patient_id, document, kind, matter, settled, settled_by, how, why, glanced
  from paper
 where status = 'waiting'
 order by late_at, came, id
 limit %(limit)s

-- settled --
-- Those that nobody has glanced at come first, then the newest.
select id::text, coalesce(split_from, id)::text as file_id, name, content_type, came, came_by, source, status, late_at,
       pages, '' as said, patient_id, document, kind, matter, settled, settled_by, how, why, glanced
  from paper
 where status = %(status)s
 order by (how = 'code' and glanced is null) desc nulls last, settled desc, id
 limit %(limit)s

-- counts --
select count(*) filter (where status = 'waiting') as waiting,
       count(*) filter (where status = 'waiting' and late_at < %(now)s) as late,
       count(*) filter (where status = 'attached' and how = 'code' and glanced is null) as to_glance
  from paper

-- set_pages --
update paper
   set pages = %(pages)s::jsonb
 where id = %(id)s
   and status = 'waiting'

-- attach --
update paper
   set status = 'attached', patient_id = %(patient_id)s, document = %(document)s, kind = %(kind)s, matter = %(matter)s,
       settled = %(now)s, settled_by = %(by)s, how = %(how)s, glanced = %(glanced)s, glanced_by = %(glanced_by)s
 where id = %(id)s
   and status = 'waiting'

-- glance --
update paper
   set glanced = %(now)s, glanced_by = %(by)s, kind = %(kind)s
 where id = %(id)s
   and status = 'attached'

-- set_aside --
update paper
   set status = 'set-aside', why = %(why)s, settled = %(now)s, settled_by = %(by)s
 where id = %(id)s
   and status = 'waiting'

-- wait_again --
update paper
   set status = 'waiting', patient_id = null, document = null, kind = null, matter = null, settled = null,
       settled_by = null, how = null, why = null, glanced = null, glanced_by = null
 where id = %(id)s
   and status <> 'waiting'
