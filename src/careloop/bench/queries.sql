-- take_statistics --
-- What autovacuum does within seconds after a load, done at once, so that the figures are those of a settled database.
analyze
