-- Hosts that the Workload Balancing server has recommended to switch, so that what an administrator does is recognised: a
-- host that was put to sleep so is woken when load asks for it. Times are UTC, by the database's clock.
CREATE TABLE IF NOT EXISTS WlbHostAdvice (
  PoolUuid CHAR(36) NOT NULL,
  -- The number of the recommendation, and of the plan it belongs to.
  Id BIGINT NOT NULL,
  PlanId BIGINT NOT NULL,
  HostUuid CHAR(36) NOT NULL,
  -- "off" or "on".
  Switch VARCHAR(8) NOT NULL,
  -- The host as it is when it is empty, as JSON: what it has when it comes back. NULL beside "on".
  EmptyHost MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  Reason MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  -- The collection that it was planned from.
  CollectionId BIGINT NOT NULL,
  IssuedAt DATETIME(6) NOT NULL,
  -- When it was last part of the plan.
  LastAt DATETIME(6) NOT NULL,
  -- When xcp-control found the host so; NULL where it did not.
  AppliedAt DATETIME(6),
  PRIMARY KEY (PoolUuid, Id),
  KEY WlbHostAdvice_Last (LastAt)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
