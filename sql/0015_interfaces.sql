-- Which interface of a host stands for eth0, and what VMs send and receive through it. NULL: not known to the collection.
-- A JSON list of names.
ALTER TABLE HostDetail ADD COLUMN Interfaces TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
ALTER TABLE HostDetail ADD COLUMN Eth0 VARCHAR(255);
-- How many of the VM's virtual interfaces are on networks that reach it; NULL where that was not read.
ALTER TABLE VmDetail ADD COLUMN Eth0Vifs INT;
ALTER TABLE VmDetail ADD COLUMN Eth0RxKb INT;
ALTER TABLE VmDetail ADD COLUMN Eth0TxKb INT;
