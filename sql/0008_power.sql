-- What high availability lets go of: how many hosts may fail by its settings, and for how many it has a plan now; NULL
-- where nobody has read it. Whoever switches a host off takes one of them.
ALTER TABLE Pool ADD COLUMN HaTolerance INT;
ALTER TABLE Pool ADD COLUMN HaPlannedFor INT;
