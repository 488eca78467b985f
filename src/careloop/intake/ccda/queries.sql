-- find_document --
-- What became of these bytes, where they are a document that was taken.
select id, status, result
  from inbox
 where origin = 'file'
   and counts
   and digest = %(digest)s

-- keep_document --
-- A document that was taken; one that is there already gives no row back.
insert into inbox (kind, origin, source, digest, raw, received, lane, counts, answer, status, sending_facility,
                   next_attempt)
values ('file', 'file', %(source)s, %(digest)s, %(raw)s, %(now)s, 0, true, 'AA', 'processed', %(sender)s, %(now)s)
    on conflict do nothing
returning id

-- note_document --
update inbox
   set result = %(result)s::jsonb,
       finished = %(now)s
 where id = %(id)s

-- settle_dead --
-- The same bytes were refused before and are taken now.
update inbox
   set status = 'processed',
       stage = '',
       at = '',
       reason = '',
       finished = %(now)s
 where kind = 'file'
   and digest = %(digest)s
   and not counts
   and status = 'dead'
