-- choices --
select person, weekday
  from weekly_choice
 where person = any(%(people)s)

-- save_choice --
insert into weekly_choice (person, weekday)
values (%(person)s, %(weekday)s)
on conflict (tenant_id, person) do update set weekday = excluded.weekday

-- claim_day --
insert into weekly_sent (person, day)
values (%(person)s, %(day)s)
on conflict do nothing
