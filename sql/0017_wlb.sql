-- Pools that have xcp-wlb as their Workload Balancing server: one row, where the pool of this database does. Times are
-- UTC, by the database's clock.
CREATE TABLE IF NOT EXISTS WlbPool (
  PoolUuid CHAR(36) PRIMARY KEY,
  -- The address that added it first: others may not speak for it, but for members of the pool.
  BoundTo VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  -- The host part of the address by which the pool reaches the server, as its wlb_url has it; NULL where it did not say.
  Endpoint VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  -- The account that the pool handed over: its name, the address it is for, and the password, encrypted with a key that
  -- the server keeps in a file of its own.
  Address VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  UserName VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  Password BLOB NOT NULL,
  AddedAt DATETIME(6) NOT NULL,
  -- The highest number that was given to a piece of advice.
  LastId BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- What XenCenter and xe have configured there, every key that was sent, known or not.
CREATE TABLE IF NOT EXISTS WlbConfiguration (
  PoolUuid CHAR(36) NOT NULL,
  Name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  Value MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (PoolUuid, Name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- Moves that the server has recommended, so that those an administrator applies are recognised.
CREATE TABLE IF NOT EXISTS WlbAdvice (
  PoolUuid CHAR(36) NOT NULL,
  -- The number of the recommendation, and of the plan it belongs to.
  Id BIGINT NOT NULL,
  PlanId BIGINT NOT NULL,
  VmUuid CHAR(36) NOT NULL,
  SourceUuid CHAR(36) NOT NULL,
  DestinationUuid CHAR(36) NOT NULL,
  Reason MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  -- The collection that it was planned from.
  CollectionId BIGINT NOT NULL,
  IssuedAt DATETIME(6) NOT NULL,
  -- When it was last part of the plan.
  LastAt DATETIME(6) NOT NULL,
  -- When xcp-control found the VM there; NULL where it did not.
  AppliedAt DATETIME(6),
  PRIMARY KEY (PoolUuid, Id),
  KEY WlbAdvice_Last (LastAt)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- Where the pool looks for its Workload Balancing server; NULL where it has none, and in collections of before.
ALTER TABLE Pool ADD COLUMN WlbUrl VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
