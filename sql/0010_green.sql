-- What green rules have done with each host. A host without a row is on, as far as control knows: nobody but control
-- writes here, so a host that somebody else switched off or took out of service is left alone.
CREATE TABLE IF NOT EXISTS HostRest (
  HostUuid CHAR(36) PRIMARY KEY,
  PoolUuid CHAR(36) NOT NULL,
  -- on, draining, asleep, waking, failed; written before the pool is asked.
  State VARCHAR(20) NOT NULL,
  Since DATETIME(6) NOT NULL,
  Reason MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  -- Of draining: VMs that are left, and when the last one went.
  VmsLeft INT,
  ProgressAt DATETIME(6),
  -- Of asleep, waking and failed: the host as it was when it was empty, as JSON.
  EmptyHost MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  -- The pool's task of the last shutdown or waking, where it has not been looked at to its end.
  TaskRef VARCHAR(255)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- Every step, for what sleeping was worth and for whoever asks why; never deleted by the programs.
CREATE TABLE IF NOT EXISTS HostRestEvent (
  Id CHAR(36) PRIMARY KEY,
  HostUuid CHAR(36) NOT NULL,
  PoolUuid CHAR(36) NOT NULL,
  RunId CHAR(36) NOT NULL,
  HappenedAt DATETIME(6) NOT NULL,
  -- drain, take back, shut down, wake, enable, on, failed, refused
  Kind VARCHAR(20) NOT NULL,
  Reason MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  KEY HostRestEvent_Happened (HappenedAt)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- Why a VM is moved: rules, evacuation or green; NULL in rows of before.
ALTER TABLE Migration ADD COLUMN Cause VARCHAR(20);
