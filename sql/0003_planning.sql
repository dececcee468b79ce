-- What planning needs beside the thesis' columns, in tables of their own: the thesis' tables keep their shape, and a
-- script that writes whole rows into them keeps working. No foreign keys to Host and Vm for the same reason: deleting
-- a row by hand must not fail because of us, and readers pass over details of what is gone.

-- The pool that the tables show; one row.
CREATE TABLE IF NOT EXISTS Pool (
  Id TINYINT PRIMARY KEY,
  PoolUuid CHAR(36) NOT NULL,
  Name MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  HaEnabled BOOLEAN NOT NULL,
  WlbEnabled BOOLEAN NOT NULL,
  RollingUpgrade BOOLEAN NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

CREATE TABLE IF NOT EXISTS HostDetail (
  HostUuid CHAR(36) PRIMARY KEY,
  -- False while in maintenance.
  Enabled BOOLEAN NOT NULL,
  -- host_metrics.live: the pool's own word.
  Live BOOLEAN NOT NULL,
  IsMaster BOOLEAN NOT NULL,
  Version VARCHAR(255) NOT NULL,
  -- Memory that xapi would still give to arriving VMs; NULL where unknown.
  PlacementFreeBytes BIGINT,
  PowerOnMode VARCHAR(255) NOT NULL,
  -- False when the measures could not be read in the last collection.
  ReadOk BOOLEAN NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

CREATE TABLE IF NOT EXISTS VmDetail (
  VmUuid CHAR(36) PRIMARY KEY,
  -- Memory a destination must have free, as xapi counts it; NULL where unknown.
  PlacementBytes BIGINT,
  -- Memory to copy in a migration; NULL where unknown.
  CopyBytes BIGINT,
  -- A JSON list of texts.
  Tags MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  HasTools BOOLEAN NOT NULL,
  -- Why the VM can be moved to no host at all; NULL when nothing forbids it.
  Immovable MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  HaPriority VARCHAR(255) NOT NULL,
  -- A JSON list of names.
  AntiAffinityGroups MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- A host that cannot take a VM, and why; no row where there is no bar.
CREATE TABLE IF NOT EXISTS VmBar (
  VmUuid CHAR(36) NOT NULL,
  HostUuid CHAR(36) NOT NULL,
  Reason MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (VmUuid, HostUuid)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- One row for each collection that was stored. Times are UTC, by the database's clock.
CREATE TABLE IF NOT EXISTS Collection (
  Id BIGINT PRIMARY KEY,
  -- Tells the collection's own commit from another's with the same number, after a failover that lost a commit.
  Token CHAR(36) NOT NULL,
  StartedAt DATETIME(6) NOT NULL,
  FinishedAt DATETIME(6) NOT NULL,
  PoolUuid CHAR(36) NOT NULL,
  HostsRead INT NOT NULL,
  HostsUnread INT NOT NULL,
  Vms INT NOT NULL,
  Complete BOOLEAN NOT NULL,
  DurationMs BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- Puts collections in order; one row. A collection draws StartedId + 1 when it starts and may only be stored while
-- StoredId is lower. Numbers rather than times, because a clock can be set back.
CREATE TABLE IF NOT EXISTS CollectionHead (
  Id TINYINT PRIMARY KEY,
  StartedId BIGINT NOT NULL,
  StoredId BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

INSERT IGNORE INTO CollectionHead (Id, StartedId, StoredId) VALUES (1, 0, 0);
