-- Why measures of a host that were read are not believed; NULL where they are.
ALTER TABLE HostDetail ADD COLUMN Doubt VARCHAR(255);
