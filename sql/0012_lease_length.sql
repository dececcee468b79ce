-- How long a taking or renewal of the lease lasts, by the settings of whoever holds it: the others wait that long, whatever
-- their own settings say. NULL of a taking by a program of before.
ALTER TABLE Lease ADD COLUMN LengthMs BIGINT;
