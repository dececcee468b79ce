-- The last search of control that found no move for what stays broken, so that the next runs do not spend its time again on
-- the same pool. One row at most. Times are UTC, by the database's clock.
CREATE TABLE IF NOT EXISTS FruitlessSearch (
  Name VARCHAR(16) CHARACTER SET ascii NOT NULL PRIMARY KEY,
  -- Of rules, settings, hosts, placements, memory and of what is left alone: whatever else must be the same.
  Digest CHAR(32) CHARACTER SET ascii NOT NULL,
  -- The loads of hosts and VMs by each term of the rules, as JSON: lists of numbers.
  Loads MEDIUMTEXT CHARACTER SET ascii NOT NULL,
  SearchedAt DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
