-- A clock that turns moves nothing that the lists, leads and responsibilities ask of a loop: while loops are turned
-- (`turn_loops`, setting `app.turning`) the triggers that would find this out row by row are not fired, and the sweep
-- says itself when each loop wakes next (decision 0260).

drop trigger lead_follows_moved_loop on loop;
create trigger lead_follows_moved_loop after update on loop
    referencing new table as opened for each statement
    when (current_setting('app.turning', true) is distinct from 'yes') execute function lead_of_first_loop();
drop trigger loop_clock_moved on loop;
create trigger loop_clock_moved after update on loop
    referencing new table as changed for each statement
    when (current_setting('app.turning', true) is distinct from 'yes') execute function keep_loop_clock();
drop trigger loop_place_moved on loop;
create trigger loop_place_moved after update on loop
    referencing new table as changed for each statement
    when (current_setting('app.turning', true) is distinct from 'yes') execute function keep_loop_place();
drop trigger need_follows_loop on loop;
create trigger need_follows_loop after update on loop
    referencing old table as standing new table as changed for each statement
    when (current_setting('app.turning', true) is distinct from 'yes') execute function look_at_changed_need();
