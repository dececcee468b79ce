/**
 * Every key of the settings file on one screen: what it is, its default, unit and range.
 * settings.example explains them; a test keeps the two equal.
 */

export type SettingGroup = "xen" | "mysql" | "collect" | "control" | "wlb" | "hooks";

interface KeyBase {
  readonly group: SettingGroup;
  /** True when a program that uses the group cannot run without the key. */
  readonly required?: true;
}

export type SettingKey =
  | (KeyBase & { readonly kind: "text"; readonly fallback?: string })
  | (KeyBase & { readonly kind: "secret" })
  | (KeyBase & { readonly kind: "file" })
  | (KeyBase & { readonly kind: "list" })
  | (KeyBase & { readonly kind: "choice"; readonly choices: readonly string[]; readonly fallback: string })
  | (KeyBase & {
      readonly kind: "integer";
      readonly min: number;
      readonly max: number;
      readonly fallback: number;
    });

export const settingKeys: Readonly<Record<string, SettingKey>> = {
  XenHost: { group: "xen", kind: "list", required: true },
  XenUsr: { group: "xen", kind: "text", required: true },
  XenPass: { group: "xen", kind: "secret", required: true },
  XenPassFile: { group: "xen", kind: "file" },
  XenFingerprint: { group: "xen", kind: "list" },
  XenFingerprintFile: { group: "xen", kind: "file" },
  XenCaFile: { group: "xen", kind: "file" },
  XenTlsMinVersion: {
    group: "xen",
    kind: "choice",
    choices: ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"],
    fallback: "TLSv1.2",
  },
  XenPoolUuid: { group: "xen", kind: "text" },
  XenAddressMap: { group: "xen", kind: "list" },
  XenParallelCalls: { group: "xen", kind: "integer", min: 1, max: 20, fallback: 16 },
  XenConnectSeconds: { group: "xen", kind: "integer", min: 1, max: 60, fallback: 5 },
  XenCallSeconds: { group: "xen", kind: "integer", min: 1, max: 600, fallback: 30 },
  XenAnswerMaxMb: { group: "xen", kind: "integer", min: 1, max: 2048, fallback: 512 },

  MysqlHost: { group: "mysql", kind: "list", required: true },
  MysqlUsr: { group: "mysql", kind: "text", required: true },
  MysqlPass: { group: "mysql", kind: "secret", required: true },
  MysqlPassFile: { group: "mysql", kind: "file" },
  MysqlDatabase: { group: "mysql", kind: "text", fallback: "Xen" },
  MysqlCaFile: { group: "mysql", kind: "file" },
  MysqlConnectSeconds: { group: "mysql", kind: "integer", min: 1, max: 60, fallback: 5 },
  MysqlStatementSeconds: { group: "mysql", kind: "integer", min: 1, max: 600, fallback: 10 },

  HooksFolder: { group: "hooks", kind: "file" },
  HookSeconds: { group: "hooks", kind: "integer", min: 1, max: 600, fallback: 30 },

  CollectWholeMinutes: { group: "collect", kind: "integer", min: 0, max: 1440, fallback: 60 },
  CollectDeadlineSeconds: { group: "collect", kind: "integer", min: 5, max: 3600, fallback: 50 },
  CollectHostSeconds: { group: "collect", kind: "integer", min: 1, max: 600, fallback: 10 },
  CollectMethod: { group: "collect", kind: "choice", choices: ["auto", "rrd", "query"], fallback: "auto" },
  CollectEth0Device: { group: "collect", kind: "text", fallback: "auto" },
  CollectRecordWaits: { group: "collect", kind: "choice", choices: ["yes", "no"], fallback: "no" },
  CollectUnreadHostsPercent: { group: "collect", kind: "integer", min: 0, max: 100, fallback: 33 },
  CollectMetricsFile: { group: "collect", kind: "file" },
  HistoryHostSampleDays: { group: "collect", kind: "integer", min: 1, max: 3650, fallback: 30 },
  HistorySnapshotDays: { group: "collect", kind: "integer", min: 1, max: 3650, fallback: 7 },

  ControlMode: { group: "control", kind: "choice", choices: ["act", "observe"], fallback: "act" },
  ControlMetricsFile: { group: "control", kind: "file" },
  ControlSnapshotMaxAgeSeconds: { group: "control", kind: "integer", min: 5, max: 86400, fallback: 300 },
  ControlMaxMovesPerRun: { group: "control", kind: "integer", min: 1, max: 1000, fallback: 10 },
  ControlSampleCount: { group: "control", kind: "integer", min: 1, max: 60, fallback: 3 },
  ControlBreaches: { group: "control", kind: "integer", min: 1, max: 60, fallback: 2 },
  ControlSampleSeconds: { group: "control", kind: "integer", min: 1, max: 3600, fallback: 60 },
  ControlTimeZone: { group: "control", kind: "text", fallback: "UTC" },
  ControlTargetPercent: { group: "control", kind: "integer", min: 10, max: 100, fallback: 80 },
  ControlNoisePercent: { group: "control", kind: "integer", min: 0, max: 20, fallback: 1 },
  ControlMomentaryWorsening: { group: "control", kind: "choice", choices: ["no", "yes"], fallback: "no" },
  ControlFloorCpuPercent: { group: "control", kind: "integer", min: 0, max: 100, fallback: 0 },
  ControlFloorMemoryMb: { group: "control", kind: "integer", min: 0, max: 100_000_000, fallback: 0 },
  ControlFloorNetworkKb: { group: "control", kind: "integer", min: 0, max: 100_000_000, fallback: 0 },
  ControlPlanMilliseconds: { group: "control", kind: "integer", min: 10, max: 60_000, fallback: 300 },
  ControlPlanSeed: { group: "control", kind: "integer", min: 1, max: 1_000_000, fallback: 1 },
  ControlAffinityTags: { group: "control", kind: "list" },
  ControlAntiAffinityTags: { group: "control", kind: "list" },
  ControlExcludeTags: { group: "control", kind: "list" },
  ControlHeadroomMb: { group: "control", kind: "integer", min: 0, max: 1048576, fallback: 64 },
  ControlSqueeze: { group: "control", kind: "choice", choices: ["never", "allow"], fallback: "never" },
  ControlCpuSpeed: { group: "control", kind: "choice", choices: ["scale", "ignore"], fallback: "scale" },
  ControlPollSeconds: { group: "control", kind: "integer", min: 1, max: 60, fallback: 2 },
  ControlMigrationMinutes: { group: "control", kind: "integer", min: 1, max: 10080, fallback: 720 },
  ControlMaxMovesPerHour: { group: "control", kind: "integer", min: 1, max: 10000, fallback: 20 },
  ControlMaxMovesPerHost: { group: "control", kind: "integer", min: 1, max: 10000, fallback: 10 },
  ControlMaxMigrationsInPool: { group: "control", kind: "integer", min: 1, max: 100, fallback: 2 },
  ControlTransfersPerHost: { group: "control", kind: "integer", min: 1, max: 16, fallback: 2 },
  ControlVmCooldownMinutes: { group: "control", kind: "integer", min: 0, max: 1440, fallback: 60 },
  ControlFailedVmMinutes: { group: "control", kind: "integer", min: 0, max: 1440, fallback: 30 },
  ControlQuietMinutes: { group: "control", kind: "integer", min: 0, max: 1440, fallback: 30 },
  ControlLeaseSeconds: { group: "control", kind: "integer", min: 5, max: 600, fallback: 60 },
  GreenDownMinutes: { group: "control", kind: "integer", min: 1, max: 1440, fallback: 40 },
  GreenUpMinutes: { group: "control", kind: "integer", min: 1, max: 120, fallback: 5 },
  GreenLeastOnMinutes: { group: "control", kind: "integer", min: 0, max: 1440, fallback: 20 },
  GreenLeastAsleepMinutes: { group: "control", kind: "integer", min: 0, max: 1440, fallback: 30 },
  GreenLeastHostsOn: { group: "control", kind: "integer", min: 1, max: 1000, fallback: 2 },
  GreenStallMinutes: { group: "control", kind: "integer", min: 1, max: 1440, fallback: 15 },
  GreenWakeMinutes: { group: "control", kind: "integer", min: 1, max: 120, fallback: 15 },
  GreenIdleWatts: { group: "control", kind: "integer", min: 0, max: 10_000, fallback: 160 },
  GreenAsleepWatts: { group: "control", kind: "integer", min: 0, max: 1000, fallback: 6 },

  WlbListen: { group: "wlb", kind: "text", fallback: "127.0.0.1:8012" },
  WlbUsr: { group: "wlb", kind: "text", required: true },
  WlbPassHash: { group: "wlb", kind: "secret", required: true },
  WlbPassHashFile: { group: "wlb", kind: "file" },
  WlbFolder: { group: "wlb", kind: "text", fallback: "wlb" },
  WlbNames: { group: "wlb", kind: "list" },
  WlbAllowedAddresses: { group: "wlb", kind: "list" },
  WlbMaxAgeSeconds: { group: "wlb", kind: "integer", min: 5, max: 86400, fallback: 300 },
  WlbRefreshSeconds: { group: "wlb", kind: "integer", min: 1, max: 300, fallback: 2 },
  WlbFailures: { group: "wlb", kind: "integer", min: 1, max: 100, fallback: 5 },
  WlbLockMinutes: { group: "wlb", kind: "integer", min: 1, max: 1440, fallback: 5 },
  WlbMetricsFile: { group: "wlb", kind: "file" },
};

/** The environment variable that overrides `key`: XenPass -> XCP_XEN_PASS. */
export function environmentName(key: string): string {
  return `XCP_${key.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase()}`;
}
