-- How far the pool's clock was ahead of the database's when the collection was made, in seconds; NULL where the pool told
-- no time.
ALTER TABLE Collection ADD COLUMN ClockSkewSeconds INT;
