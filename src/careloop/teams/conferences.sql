-- add_conference --
insert into conference (id, title, begun, by, present, absent)
values (%(id)s, %(title)s, %(begun)s, %(by)s, %(present)s, %(absent)s)

-- add_items --
insert into conference_item (conference_id, loop_id, position, patient_id, asks)
select conference_id, loop_id, position, patient_id, asks
  from json_populate_recordset(null::conference_item, %(rows)s::json)

-- conference --
select c.id::text, c.title, c.begun, c.by, c.present, c.absent, c.ended
  from conference as c
 where c.id = %(id)s

-- conferences --
select c.id::text, c.title, c.begun, c.by, c.present, c.absent, c.ended
  from conference as c
 order by c.begun desc
 limit 30

-- items --
select i.loop_id::text, i.patient_id, i.asks, i.state, i.decision, i.owner, i.step_id, i.due, i.decided_by
  from conference_item as i
 where i.conference_id = %(id)s
 order by i.position

-- votes --
select v.loop_id::text, v.member, v.vote, v.note, v.at
  from conference_vote as v
 where v.conference_id = %(id)s
 order by v.at

-- decide --
update conference_item
   set state = 'decided', decision = %(decision)s, owner = %(owner)s, step_id = %(step_id)s, due = %(due)s,
       decided = %(at)s, decided_by = %(by)s
 where conference_id = %(id)s
   and loop_id = %(loop_id)s
   and state = 'open'

-- carry --
update conference_item
   set state = 'carried', decision = %(why)s, decided = %(at)s, decided_by = %(by)s
 where conference_id = %(id)s
   and loop_id = %(loop_id)s
   and state = 'open'

-- end --
update conference
   set ended = %(at)s
 where id = %(id)s
   and ended is null

-- vote --
insert into conference_vote (conference_id, loop_id, member, vote, note, at)
values (%(id)s, %(loop_id)s, %(member)s, %(vote)s, %(note)s, %(at)s)
on conflict (tenant_id, conference_id, loop_id, member) do update
   set vote = excluded.vote, note = excluded.note, at = excluded.at

-- carried --
-- Loops that the last conferences put off and that no later one has on its agenda.
select distinct i.loop_id::text
  from conference_item as i
  join conference as c on c.tenant_id = i.tenant_id and c.id = i.conference_id
 where i.state = 'carried'
   and c.begun >= %(since)s
   and not exists (select from conference_item as n
                     join conference as m on m.tenant_id = n.tenant_id and m.id = n.conference_id
                    where n.tenant_id = i.tenant_id and n.loop_id = i.loop_id and m.begun > c.begun)
