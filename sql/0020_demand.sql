-- What VMs want of the CPUs where that is more than what they use, as on a full host, and what tells of it: run-states,
-- hostload, or what they last used on a host that was not full.
CREATE TABLE IF NOT EXISTS VmDemand (
  VmUuid CHAR(36) NOT NULL,
  -- Percent, of which 100 is all of the VM's vCPUs.
  CpuDemand DOUBLE NULL,
  Source VARCHAR(40) NOT NULL,
  PRIMARY KEY (VmUuid)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
