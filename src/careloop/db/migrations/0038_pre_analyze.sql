-- A load doubles these tables again and again, and statistics were taken anew every ten seconds of it: a tenth of its
-- processor time (decision 0255). Plans rest on shares, which half as many rows again do not change; how many rows there
-- are is read from the file.
alter table resource set (autovacuum_analyze_scale_factor = 0.5);
alter table resource_token set (autovacuum_analyze_scale_factor = 0.5);
