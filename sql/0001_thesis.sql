-- The four tables of the thesis, as it prints them. A database that was made by its statements starts after this file.
CREATE TABLE IF NOT EXISTS Host (
  UUID CHAR(36) PRIMARY KEY,
  MemoryTotalMb INT,
  MemoryFreeMb INT,
  XapiMemoryUsageMb INT,
  XapiFreeMemoryMb INT,
  PifLoRxKb INT,
  PifLoTxKb INT,
  PifEth0RxKb INT,
  PifEth0TxKb INT,
  Dom0LoadAvg DOUBLE,
  CpuAverage DOUBLE,
  Ip VARCHAR(15),
  CpuNum INT,
  Name VARCHAR(100)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS Vm (
  UUID CHAR(36) PRIMARY KEY,
  MemoryMb INT,
  MemoryInternalFreeMb INT,
  Vif0TxKb INT,
  Vif0RxKb INT,
  VcpuAverage DOUBLE,
  VcpuNum INT,
  PowerState VARCHAR(20),
  IsControlDomain BOOLEAN,
  Name VARCHAR(100)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS Map (
  HostUuid CHAR(36),
  VmUuid CHAR(36),
  PRIMARY KEY (HostUuid, VmUuid),
  FOREIGN KEY (HostUuid) REFERENCES Host (UUID),
  FOREIGN KEY (VmUuid) REFERENCES Vm (UUID)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS HostRule (
  Subject VARCHAR(100) PRIMARY KEY,
  Threshold DOUBLE NOT NULL
) ENGINE=InnoDB;
