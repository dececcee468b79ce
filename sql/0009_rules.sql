-- Rules that say more than a row of HostRule can: chains, sums, conditions, hours, names; and rules that gather VMs. A
-- rule that the thesis' table can hold stays there, so that its programs see it. Nothing here hangs on AUTO_INCREMENT.

-- The numbers that were given to rules and to changes of rules; whoever changes rules updates this row first, so that
-- two changes are made one after the other.
CREATE TABLE IF NOT EXISTS RuleHead (
  Name VARCHAR(40) PRIMARY KEY,
  LastRule BIGINT NOT NULL,
  LastChange BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

INSERT IGNORE INTO RuleHead (Name, LastRule, LastChange) VALUES ('rules', 0, 0);

CREATE TABLE IF NOT EXISTS AddedRule (
  Id BIGINT PRIMARY KEY,
  -- HOST: hosts that break it are relieved. GREEN: VMs are gathered on few hosts.
  Kind VARCHAR(10) NOT NULL,
  -- In any case the same name, as the commands read it; NULL where it has none.
  Name VARCHAR(100),
  Remark MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  Enabled BOOLEAN NOT NULL,
  -- It acts where that many of that many samples broke it; NULL: as often as the settings say.
  BrokenSamples INT,
  OfSamples INT,
  -- Minutes since midnight in the pool's time zone; NULL: at all times.
  FromMinute INT,
  ToMinute INT,
  -- Of GREEN only.
  SpareHosts INT,
  UNIQUE KEY AddedRule_Name (Name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- The terms of a chain, or the limits of a rule that gathers VMs; all of them hold together.
CREATE TABLE IF NOT EXISTS RuleTerm (
  RuleId BIGINT NOT NULL,
  Position INT NOT NULL,
  -- One subject, or a sum: "PifEth0RxKb + PifEth0TxKb".
  Subjects MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  -- "more than mean": above the pool's mean by Amount; "above", "below": of the host itself.
  Relation VARCHAR(20) NOT NULL,
  Amount DOUBLE NOT NULL,
  PRIMARY KEY (RuleId, Position)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- Every change of a rule of any table, by whom and when; never deleted by the programs.
CREATE TABLE IF NOT EXISTS RuleHistory (
  Id BIGINT PRIMARY KEY,
  ChangedAt DATETIME(6) NOT NULL,
  ChangedBy MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  -- create, alter, enable, disable, delete.
  Action VARCHAR(20) NOT NULL,
  Kind VARCHAR(10) NOT NULL,
  -- NULL of a rule of HostRule.
  RuleId BIGINT,
  -- The rule as CREATE RULE reads it; NULL where there was none, or is none any more.
  RuleBefore MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  RuleAfter MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  KEY RuleHistory_Changed (ChangedAt)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- What the last collection measured beside the columns of Host and Vm, because an enabled rule names it: data sources
-- by XAPI's names and in XAPI's units; of VMs CpuWait in percent.
CREATE TABLE IF NOT EXISTS HostMeasure (
  HostUuid CHAR(36) NOT NULL,
  Name VARCHAR(100) NOT NULL,
  Value DOUBLE NOT NULL,
  PRIMARY KEY (HostUuid, Name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

CREATE TABLE IF NOT EXISTS VmMeasure (
  VmUuid CHAR(36) NOT NULL,
  Name VARCHAR(100) NOT NULL,
  Value DOUBLE NOT NULL,
  PRIMARY KEY (VmUuid, Name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- The rule that a migration served, as CREATE RULE reads it, where Subject and Threshold cannot say it.
ALTER TABLE Migration ADD COLUMN Rule MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
