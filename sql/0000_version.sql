-- The ledger of this folder: which file has been applied, and how far. Run at every install, before the numbered files.
CREATE TABLE IF NOT EXISTS SchemaVersion (
  Version INT PRIMARY KEY,
  FileName VARCHAR(100) NOT NULL,
  -- A breaking file needs the programs that came with it; older ones would damage or misread what it made.
  Breaking BOOLEAN NOT NULL,
  -- Statements of the file that are known to be done; DDL commits by itself, so each is ticked off alone.
  StatementsDone INT NOT NULL,
  Finished BOOLEAN NOT NULL,
  -- The installer at work on the file, and until when others leave it alone (database's clock, UTC).
  Holder CHAR(36) NOT NULL,
  HeldUntil DATETIME(6) NOT NULL,
  ChangedAt DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
