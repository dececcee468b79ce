-- What earlier collections saw, and VMs whose measures are not believed yet. Rows are added by every collection and
-- leave by age (HistoryHostSampleDays, HistorySnapshotDays); all of it may be emptied by hand at any time.

-- The host measures that rules and reports use, of every collection. NULL where unknown.
CREATE TABLE IF NOT EXISTS HostSample (
  CollectionId BIGINT NOT NULL,
  HostUuid CHAR(36) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
  -- When the collection started: UTC, by the database's clock.
  CollectedAt DATETIME(3) NOT NULL,
  -- Percent, mean over the CPUs.
  CpuAverage FLOAT,
  MemoryTotalMb INT,
  MemoryFreeMb INT,
  PifEth0RxKb INT,
  PifEth0TxKb INT,
  Dom0LoadAvg FLOAT,
  PRIMARY KEY (CollectionId, HostUuid)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- The whole picture of every collection, compressed: all of it (BaseId is NULL), or what differs from the collection
-- BaseId. xcp-balance's own format; the tables above are for everybody.
CREATE TABLE IF NOT EXISTS CollectionPicture (
  CollectionId BIGINT PRIMARY KEY,
  BaseId BIGINT,
  CollectedAt DATETIME(3) NOT NULL,
  -- How Picture is written; programs pass over formats that they do not know.
  Format SMALLINT NOT NULL,
  Picture MEDIUMBLOB NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- VMs that came to their host a moment ago: their first measures there are not believed.
CREATE TABLE IF NOT EXISTS VmArrival (
  VmUuid CHAR(36) PRIMARY KEY,
  HostUuid CHAR(36) NOT NULL,
  -- When it was first seen there, in seconds since 1970 by the pool's clock; NULL where the pool told no time.
  SeenAtSeconds BIGINT
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- A collection that came from a file, not from a pool.
ALTER TABLE Collection ADD COLUMN Imported BOOLEAN NOT NULL DEFAULT FALSE;
