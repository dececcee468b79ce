-- What xcp-control would have done while it only observes. One row while run after run would do the same: nothing is
-- moved, so the pool asks for it again. Deleted by age, as the history is.
CREATE TABLE IF NOT EXISTS ObservedAction (
  Id CHAR(36) PRIMARY KEY,
  -- move, or a step with a host: drain, shut down, wake ...
  Kind VARCHAR(20) NOT NULL,
  -- The VM of a move, the host of a step.
  ObjectUuid CHAR(36) NOT NULL,
  -- Of a move.
  SourceUuid CHAR(36),
  DestinationUuid CHAR(36),
  -- rules, green.
  Cause VARCHAR(20) NOT NULL,
  -- The rule that a move serves, as it is written; NULL where it serves none.
  Rule MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  -- Reason and figures (JSON) of the last run that would have done it.
  Reason MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  Figures MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  -- Memory to copy; NULL where unknown, and of steps.
  MemoryBytes BIGINT,
  FirstCollectionId BIGINT NOT NULL,
  CollectionId BIGINT NOT NULL,
  FirstAt DATETIME(6) NOT NULL,
  LastAt DATETIME(6) NOT NULL,
  -- Runs in a row that would have done it, and the last of them.
  Runs BIGINT NOT NULL,
  LastRunId CHAR(36) NOT NULL,
  KEY ObservedAction_Last (LastAt),
  KEY ObservedAction_Run (LastRunId)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- NULL or observe: whether the run could act.
ALTER TABLE ProgramRun ADD COLUMN Mode VARCHAR(20);
-- The gate that refused the run, by its code.
ALTER TABLE ProgramRun ADD COLUMN Gate VARCHAR(40);
