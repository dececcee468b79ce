-- The host that a VM is meant to run on (affinity); NULL where it has none, or where that was not read.
ALTER TABLE VmDetail ADD COLUMN HomeServer CHAR(36);
