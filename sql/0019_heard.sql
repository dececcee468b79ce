-- What those who watch from outside are told by: counts that outlive the rows they count, what hooks were told already, and
-- the views, which are the interface for dashboards: their columns stay when tables change.

-- Runs that ended, by what came of them; rows of ProgramRun are deleted after a month, these never.
CREATE TABLE IF NOT EXISTS RunCount (
  Program VARCHAR(40) NOT NULL,
  Outcome VARCHAR(40) NOT NULL,
  -- The gate that refused them, by its code; '' where none did.
  Gate VARCHAR(40) NOT NULL,
  Runs BIGINT NOT NULL,
  PRIMARY KEY (Program, Outcome, Gate)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- What hooks were told: the same is told again when it had stopped for an hour, or after a day.
CREATE TABLE IF NOT EXISTS Told (
  Program VARCHAR(40) NOT NULL,
  Topic VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  ToldAt DATETIME(6) NOT NULL,
  LastAt DATETIME(6) NOT NULL,
  PRIMARY KEY (Program, Topic)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

-- The views run with the rights of whoever installed them, so that an account may see them and nothing behind them.
-- Times are UTC; epoch is the same in seconds since 1970, which no session's time zone bends.

CREATE OR REPLACE SQL SECURITY DEFINER VIEW v_pool AS
SELECT PoolUuid AS pool_uuid, COALESCE(NULLIF(Name, ''), PoolUuid) AS pool, HaEnabled AS ha_enabled,
  WlbEnabled AS wlb_enabled, RollingUpgrade AS rolling_upgrade
FROM Pool;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW v_host AS
SELECT Host.UUID AS host_uuid, COALESCE(NULLIF(Host.Name, ''), Host.UUID) AS host, HostDetail.Enabled AS enabled,
  HostDetail.Live AS live, HostDetail.IsMaster AS is_master, HostDetail.ReadOk AS read_ok, Host.CpuNum AS cpus,
  Host.CpuAverage AS cpu_percent, Host.MemoryTotalMb AS memory_total_mb, Host.MemoryFreeMb AS memory_free_mb,
  Host.PifEth0RxKb AS received_kb_per_second, Host.PifEth0TxKb AS sent_kb_per_second,
  COALESCE(HostRest.State, 'on') AS power_state,
  (SELECT COUNT(*) FROM Map JOIN Vm ON Vm.UUID = Map.VmUuid
    WHERE Map.HostUuid = Host.UUID AND NOT COALESCE(Vm.IsControlDomain, FALSE)) AS vms
FROM Host LEFT JOIN HostDetail ON HostDetail.HostUuid = Host.UUID LEFT JOIN HostRest ON HostRest.HostUuid = Host.UUID;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW v_vm AS
SELECT Vm.UUID AS vm_uuid, COALESCE(NULLIF(Vm.Name, ''), Vm.UUID) AS vm, Vm.PowerState AS power_state,
  Host.UUID AS host_uuid, COALESCE(NULLIF(Host.Name, ''), Host.UUID) AS host, Vm.VcpuNum AS vcpus,
  Vm.VcpuAverage AS cpu_percent, Vm.MemoryMb AS memory_mb, VmDetail.Immovable AS immovable
FROM Vm LEFT JOIN VmDetail ON VmDetail.VmUuid = Vm.UUID LEFT JOIN Map ON Map.VmUuid = Vm.UUID
  LEFT JOIN Host ON Host.UUID = Map.HostUuid
WHERE NOT COALESCE(Vm.IsControlDomain, FALSE);

CREATE OR REPLACE SQL SECURITY DEFINER VIEW v_host_load AS
SELECT HostSample.CollectedAt AS collected_at,
  TIMESTAMPDIFF(SECOND, '1970-01-01', HostSample.CollectedAt) AS epoch, HostSample.CollectionId AS collection_id,
  HostSample.HostUuid AS host_uuid, COALESCE(NULLIF(Host.Name, ''), HostSample.HostUuid) AS host,
  HostSample.CpuAverage AS cpu_percent, HostSample.MemoryTotalMb AS memory_total_mb,
  HostSample.MemoryFreeMb AS memory_free_mb, HostSample.PifEth0RxKb AS received_kb_per_second,
  HostSample.PifEth0TxKb AS sent_kb_per_second, HostSample.Dom0LoadAvg AS dom0_load
FROM HostSample LEFT JOIN Host ON Host.UUID = HostSample.HostUuid;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW v_collection AS
SELECT Id AS collection_id, StartedAt AS started_at, TIMESTAMPDIFF(SECOND, '1970-01-01', StartedAt) AS epoch,
  PoolUuid AS pool_uuid, HostsRead AS hosts_read, HostsUnread AS hosts_unread, Vms AS vms, Complete AS complete,
  DurationMs / 1000 AS seconds, ClockSkewSeconds AS clock_skew_seconds
FROM Collection;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW v_migration AS
SELECT Migration.Id AS migration_id, Migration.PlannedAt AS planned_at,
  TIMESTAMPDIFF(SECOND, '1970-01-01', Migration.PlannedAt) AS epoch, Migration.FinishedAt AS finished_at,
  TIMESTAMPDIFF(SECOND, '1970-01-01', Migration.FinishedAt) AS finished_epoch, Migration.VmUuid AS vm_uuid,
  COALESCE(NULLIF(Vm.Name, ''), Migration.VmUuid) AS vm,
  Migration.SourceUuid AS source_uuid, COALESCE(NULLIF(Source.Name, ''), Migration.SourceUuid) AS source,
  Migration.DestinationUuid AS destination_uuid,
  COALESCE(NULLIF(Destination.Name, ''), Migration.DestinationUuid) AS destination,
  Migration.State AS state, COALESCE(Migration.Cause, 'rules') AS cause, Migration.Seconds AS seconds,
  Migration.MemoryBytes AS memory_bytes, Migration.Reason AS reason, Migration.Error AS error
FROM Migration LEFT JOIN Vm ON Vm.UUID = Migration.VmUuid LEFT JOIN Host AS Source ON Source.UUID = Migration.SourceUuid
  LEFT JOIN Host AS Destination ON Destination.UUID = Migration.DestinationUuid;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW v_run AS
SELECT Id AS run_id, Program AS program, HostName AS host_name, StartedAt AS started_at,
  TIMESTAMPDIFF(SECOND, '1970-01-01', StartedAt) AS epoch, FinishedAt AS finished_at,
  TIMESTAMPDIFF(MICROSECOND, StartedAt, FinishedAt) / 1000000 AS seconds, Outcome AS outcome, ExitCode AS exit_code,
  COALESCE(Mode, 'act') AS mode, Gate AS gate, Detail AS detail
FROM ProgramRun;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW v_run_count AS
SELECT Program AS program, Outcome AS outcome, Gate AS gate, Runs AS runs FROM RunCount;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW v_observed AS
SELECT ObservedAction.Id AS observed_id, FirstAt AS first_at, LastAt AS last_at,
  TIMESTAMPDIFF(SECOND, '1970-01-01', FirstAt) AS epoch, TIMESTAMPDIFF(SECOND, '1970-01-01', LastAt) AS last_epoch,
  Runs AS runs, Kind AS kind, ObjectUuid AS object_uuid, Cause AS cause, Rule AS rule, MemoryBytes AS memory_bytes,
  Reason AS reason
FROM ObservedAction;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW v_host_power AS
SELECT HostRestEvent.HappenedAt AS happened_at, TIMESTAMPDIFF(SECOND, '1970-01-01', HostRestEvent.HappenedAt) AS epoch,
  HostRestEvent.HostUuid AS host_uuid, COALESCE(NULLIF(Host.Name, ''), HostRestEvent.HostUuid) AS host,
  HostRestEvent.Kind AS kind, HostRestEvent.Reason AS reason
FROM HostRestEvent LEFT JOIN Host ON Host.UUID = HostRestEvent.HostUuid;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW v_rule_change AS
SELECT ChangedAt AS changed_at, TIMESTAMPDIFF(SECOND, '1970-01-01', ChangedAt) AS epoch, ChangedBy AS changed_by,
  Action AS action, Kind AS kind, RuleBefore AS rule_before, RuleAfter AS rule_after
FROM RuleHistory;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW v_control AS
SELECT Breaker.OpenUntil IS NOT NULL AND Breaker.OpenUntil > UTC_TIMESTAMP(6) AS breaker_open,
  Breaker.Trips AS breaker_trips, Breaker.Reason AS breaker_reason,
  Pause.Paused AND (Pause.PausedUntil IS NULL OR Pause.PausedUntil > UTC_TIMESTAMP(6)) AS paused,
  Pause.PausedBy AS paused_by, Pause.Reason AS pause_reason,
  Lease.RunId IS NOT NULL AND Lease.ExpiresAt > UTC_TIMESTAMP(6) AS lease_held, Lease.Holder AS lease_holder,
  (SELECT TIMESTAMPDIFF(SECOND, Collection.StartedAt, UTC_TIMESTAMP(6)) FROM Collection
    JOIN CollectionHead ON CollectionHead.StoredId = Collection.Id) AS snapshot_age_seconds
FROM Breaker JOIN Pause ON Pause.Name = Breaker.Name JOIN Lease ON Lease.Name = Breaker.Name
WHERE Breaker.Name = 'control';
