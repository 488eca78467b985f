-- without_lead --
-- Whoever has an open loop has a lead.
select distinct l.patient_id
  from loop as l
 where l.status in ('requested', 'accepted', 'in-progress', 'on-hold')
   and not exists (select from lead as d where d.patient_id = l.patient_id and d.led_until is null)

-- broken_leads --
-- One lead at every moment: each begins where the one before ended, and one is open; none while the patient is joined
-- with another.
select distinct d.patient_id
  from (select patient_id, led_from, led_until, joined_to,
               lag(led_until) over (partition by patient_id order by led_from) as ended,
               row_number() over (partition by patient_id order by led_from) as place,
               row_number() over (partition by patient_id order by led_from desc) as from_last,
               count(*) filter (where led_until is null) over (partition by patient_id) as open_ones
          from lead) as d
 where (d.place > 1 and d.ended is distinct from d.led_from)
    or d.open_ones > 1
    or (d.from_last = 1 and (d.led_until is null) = (d.joined_to is not null))

-- lead_of_joined --
-- Who is joined with another has no lead of their own: the survivor's is (TR-09, PG-01).
select d.patient_id
  from lead as d
 where d.led_until is null
   and d.patient_id = any(%(joined)s)

-- lead_who_left --
select d.patient_id
  from lead as d
 where d.led_until is null
   and d.lead <> %(queue)s
   and d.lead <> all(%(staff)s)

-- overslept_leave --
-- Leave that should have begun or ended an hour ago, did.
select a.practitioner as patient_id
  from absence as a
 where a.over is null
   and ((a.begun is null and a.starts < %(now)s - interval '1 hour')
        or (a.begun is not null and a.ends < %(now)s - interval '1 hour'))

-- unowned_decision --
select i.patient_id
  from conference_item as i
  join conference as c on c.tenant_id = i.tenant_id and c.id = i.conference_id
 where c.ended is not null
   and i.state = 'open'
