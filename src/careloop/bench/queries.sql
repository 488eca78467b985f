-- some_open_loop --
-- An open loop, each as likely as another: ids are spread evenly.
select id::text
  from (select id from loop where is_open and id >= %(some)s::uuid order by id limit 1) as l
 union all
select id::text
  from (select id from loop where is_open order by id limit 1) as l
 limit 1

-- some_offer --
-- A loop that is on offer, and to whom.
select loop_id::text, taker
  from ownership_offer
 where answered is null
 order by id >= %(some)s::uuid desc, id
 limit 1

-- lived --
-- What became of the loops of each pathway, and how many steps were proven by what stands in the record.
select l.pathway,
       count(*) as opened,
       count(*) filter (where l.status = 'completed') as completed,
       count(*) filter (where l.is_open) as still_open,
       count(*) filter (where not l.is_open and l.status <> 'completed') as ended,
       sum((select count(*) from loop_step as s
             where s.tenant_id = l.tenant_id
               and s.loop_id = l.id
               and s.status = 'completed'
               and cardinality(s.evidence) > 0)) as proven
  from loop as l
 group by l.pathway
 order by l.pathway
