-- mine --
-- Patients with a stay, a watch or a flare, of whom this person has a loop or leads the care; the first due first.
select patient_id
  from (select l.patient_id, min(l.next_due) filter (where l.is_open) as due, min(l.watch_until) as watched
          from loop as l
         where (l.is_open or l.watch_until >= %(now)s)
           and (l.board is not null or l.focus like 'Encounter/%%' or l.pathway = any(%(flares)s))
           and l.patient_id in (select patient_id from loop
                                 where owner = %(owner)s
                                   and status in ('requested', 'accepted', 'in-progress', 'on-hold')
                                union
                                select patient_id from lead
                                 where lead = %(owner)s and led_until is null)
         group by l.patient_id) as found
 order by due nulls last, watched, patient_id
offset %(after)s
 limit %(most)s

-- everybodys --
-- The same of all: boards and flares are read from their indexes.
select patient_id
  from (select patient_id, min(due) as due
          from (select patient_id, next_due as due from loop where board = any(%(boards)s)
                union all
                select patient_id, next_due from loop
                 where pathway = any(%(flares)s)
                   and status in ('requested', 'accepted', 'in-progress', 'on-hold')) as each
         group by patient_id) as found
 order by due, patient_id
offset %(after)s
 limit %(most)s
