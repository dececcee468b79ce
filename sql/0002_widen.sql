-- Widens the thesis' tables: names of any length in any script, IPv6 addresses and host names, one character set and
-- engine whatever the database's defaults were. No column is added, moved or renamed.
--
-- Identities and words compare without regard to case, as they did in the thesis' days; names compare byte by byte.
-- The columns of a foreign key cannot change their character set, so Map is rebuilt beside itself and changes places in
-- one statement; the copy leaves out rows whose host or VM does not exist (tables that once were MyISAM can hold some).

CREATE TABLE IF NOT EXISTS MapWide (
  HostUuid CHAR(36) NOT NULL,
  VmUuid CHAR(36) NOT NULL,
  PRIMARY KEY (HostUuid, VmUuid)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

INSERT IGNORE INTO MapWide (HostUuid, VmUuid)
  SELECT Host.UUID, Vm.UUID FROM Map JOIN Host ON Host.UUID = Map.HostUuid JOIN Vm ON Vm.UUID = Map.VmUuid;

RENAME TABLE Map TO MapThesis, MapWide TO Map;

DROP TABLE IF EXISTS MapThesis;

ALTER TABLE Host
  ENGINE=InnoDB,
  DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,
  MODIFY UUID CHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL,
  MODIFY Ip VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,
  MODIFY Name MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

ALTER TABLE Vm
  ENGINE=InnoDB,
  DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,
  MODIFY UUID CHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL,
  MODIFY PowerState VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,
  MODIFY Name MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

ALTER TABLE Map
  ADD CONSTRAINT Map_Host FOREIGN KEY (HostUuid) REFERENCES Host (UUID),
  ADD CONSTRAINT Map_Vm FOREIGN KEY (VmUuid) REFERENCES Vm (UUID);

ALTER TABLE HostRule
  ENGINE=InnoDB,
  DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,
  MODIFY Subject VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL;
