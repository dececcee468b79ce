-- How xcp-control carries plans out: who may act, what was begun, and what keeps it from acting. Times are UTC, by the
-- database's clock. Nothing here hangs on GET_LOCK, AUTO_INCREMENT or FOR UPDATE, so that it holds on a Galera cluster.

-- Every run of a program; a month of them is kept.
CREATE TABLE IF NOT EXISTS ProgramRun (
  Id CHAR(36) PRIMARY KEY,
  Program VARCHAR(40) NOT NULL,
  HostName VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  Pid BIGINT NOT NULL,
  StartedAt DATETIME(6) NOT NULL,
  -- NULL while it runs, and for ever where it was killed.
  FinishedAt DATETIME(6),
  -- done, nothing, partly, refused, passed, failed.
  Outcome VARCHAR(40),
  ExitCode INT,
  Detail MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  KEY ProgramRun_Started (Program, StartedAt)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- The one xcp-control that may act; taken and renewed by one conditional UPDATE.
CREATE TABLE IF NOT EXISTS Lease (
  Name VARCHAR(40) PRIMARY KEY,
  -- NULL while nobody holds it.
  RunId CHAR(36),
  Holder MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  -- One higher with every taking: what was written under an older one is by somebody who is out of office.
  Token BIGINT NOT NULL,
  TakenAt DATETIME(6),
  RenewedAt DATETIME(6),
  ExpiresAt DATETIME(6)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

INSERT IGNORE INTO Lease (Name, Token) VALUES ('control', 0);

-- Every migration that xcp-control meant to make; written before the pool is asked. Never deleted by the programs.
CREATE TABLE IF NOT EXISTS Migration (
  Id CHAR(36) PRIMARY KEY,
  RunId CHAR(36) NOT NULL,
  -- The lease that answers for the row: the writer's, later that of the run that found it open.
  Token BIGINT NOT NULL,
  VmUuid CHAR(36) NOT NULL,
  -- The VM while the row is open, NULL once it is closed: a VM has one open row at most.
  OpenVm CHAR(36),
  SourceUuid CHAR(36) NOT NULL,
  DestinationUuid CHAR(36) NOT NULL,
  -- The rule, where one was the reason.
  Subject VARCHAR(100),
  Threshold DOUBLE,
  Reason MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  -- The figures it was decided by, as JSON.
  Figures MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  -- The collection that it was planned from.
  CollectionId BIGINT NOT NULL,
  -- planned, running, succeeded, failed, cancelled, lost, overtaken, refused.
  State VARCHAR(20) NOT NULL,
  PlannedAt DATETIME(6) NOT NULL,
  -- When the pool took the request; NULL where it did not, or where we were gone before we knew.
  SubmittedAt DATETIME(6),
  FinishedAt DATETIME(6),
  TaskRef VARCHAR(255),
  -- Memory to copy; NULL where unknown.
  MemoryBytes BIGINT,
  -- How long it took; NULL where nobody saw it end.
  Seconds DOUBLE,
  Error MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  -- The number that the newest collection had drawn when the row was closed: any higher one began afterwards.
  CollectionsAtEnd BIGINT,
  UNIQUE KEY Migration_OpenVm (OpenVm),
  KEY Migration_Planned (PlannedAt),
  KEY Migration_Vm (VmUuid, PlannedAt),
  KEY Migration_State (State, FinishedAt)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- Opens after failures, so that a pool in trouble is left alone; one row.
CREATE TABLE IF NOT EXISTS Breaker (
  Name VARCHAR(40) PRIMARY KEY,
  -- Times it opened, each within a day of the one before, since somebody acknowledged.
  Trips INT NOT NULL,
  OpenedAt DATETIME(6),
  -- NULL while it is closed.
  OpenUntil DATETIME(6),
  Reason MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  -- Migrations that ended before this count no more.
  CountFrom DATETIME(6),
  AcknowledgedBy MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

INSERT IGNORE INTO Breaker (Name, Trips) VALUES ('control', 0);

-- Whether an administrator has stopped xcp-control for now; one row.
CREATE TABLE IF NOT EXISTS Pause (
  Name VARCHAR(40) PRIMARY KEY,
  Paused BOOLEAN NOT NULL,
  PausedBy MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  PausedAt DATETIME(6),
  -- NULL: until somebody resumes.
  PausedUntil DATETIME(6),
  Reason MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

INSERT IGNORE INTO Pause (Name, Paused) VALUES ('control', FALSE);

-- VMs that stay where they are, hosts that neither give nor take.
CREATE TABLE IF NOT EXISTS Exclusion (
  ObjectUuid CHAR(36) PRIMARY KEY,
  -- VM or HOST.
  Kind VARCHAR(4) NOT NULL,
  ExcludedBy MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  ExcludedAt DATETIME(6) NOT NULL,
  Reason MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- What the last two collections that xcp-control looked at said of each host: what changes too much between two looks
-- is not believed.
CREATE TABLE IF NOT EXISTS HostSight (
  HostUuid CHAR(36) PRIMARY KEY,
  PoolUuid CHAR(36) NOT NULL,
  CollectionId BIGINT NOT NULL,
  Guests INT NOT NULL,
  BeforeCollectionId BIGINT,
  BeforeGuests INT,
  Enabled BOOLEAN NOT NULL,
  Live BOOLEAN NOT NULL,
  -- When Enabled or Live was last seen to change; NULL where it never was.
  ChangedAt DATETIME(6)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
