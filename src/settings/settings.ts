/**
 * Turns a settings file and the environment into one typed object, or into the whole list of what is wrong.
 * Does no IO itself: the file's text, dotenv's reading of it and a file reader are arguments. Never quotes a value
 * that could be a password.
 */

import { isTimeZone } from "../domain/hours.ts";
import { floorSettings } from "../domain/rule.ts";
import { parseAddressPair, parseListen, parseServer, parseXenUrl } from "./address.ts";
import type { SettingGroup } from "./keys.ts";
import { Reading } from "./reading.ts";
import { textProblems } from "./text.ts";
import type {
  CollectSettings,
  ControlSettings,
  HookSettings,
  MysqlSettings,
  Settings,
  SettingsSources,
  WlbSettings,
  XenSettings,
} from "./types.ts";

export type SettingsResult<G extends SettingGroup> =
  | { readonly settings: Pick<Settings, G> }
  | { readonly problems: readonly string[] };

/**
 * The settings of `groups`, or every problem found. All keys present are checked; only those of `groups` must be
 * present. Precedence: environment (XCP_XEN_PASS, XCP_XEN_PASS_FILE), systemd credential, settings file.
 */
export function parseSettings<G extends SettingGroup>(
  sources: SettingsSources,
  groups: readonly G[],
): SettingsResult<G> {
  const reading = new Reading(sources);
  reading.problems.push(...textProblems(sources.text).map((problem) => reading.inFile(problem)));
  reading.reportUnknownKeys();
  const built: Settings = {
    hooks: buildHooks(reading),
    xen: buildXen(reading),
    mysql: buildMysql(reading),
    collect: buildCollect(reading),
    control: buildControl(reading),
    wlb: buildWlb(reading),
  };
  reading.reportMissing(groups);
  if (reading.problems.length > 0) return { problems: reading.problems };
  return { settings: built };
}

function buildHooks(reading: Reading): HookSettings {
  const folder = reading.optional("HooksFolder");
  if (folder !== null && !folder.startsWith("/")) reading.problem("HooksFolder", "must be a whole path");
  return { folder, seconds: reading.integer("HookSeconds") };
}

function buildXen(reading: Reading): XenSettings {
  const fingerprints = [
    ...new Set([...reading.list("XenFingerprint", parseFingerprint), ...fingerprintsInFile(reading)]),
  ];
  const caPem = reading.fileContent("XenCaFile");
  if (fingerprints.length > 0 && caPem !== null) {
    reading.problem(
      "XenCaFile",
      "XenFingerprint or XenFingerprintFile is set too; a pinned certificate needs no authority, keep one",
    );
  }
  if (caPem !== null && !caPem.includes("-----BEGIN CERTIFICATE-----")) {
    reading.problem("XenCaFile", "the file holds no PEM certificate");
  }
  reading.optional("XenPassFile");
  const poolUuid = reading.optional("XenPoolUuid");
  if (poolUuid !== null && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(poolUuid)) {
    reading.problem("XenPoolUuid", "is no uuid (36 characters, xe pool-list shows it)");
  }
  return {
    urls: reading.list("XenHost", parseXenUrl),
    user: reading.text("XenUsr"),
    password: reading.secret("XenPass"),
    fingerprints,
    fingerprintFile: reading.optional("XenFingerprintFile"),
    caPem,
    tlsMinVersion: reading.choice("XenTlsMinVersion") as XenSettings["tlsMinVersion"],
    poolUuid: poolUuid?.toLowerCase() ?? null,
    addressMap: new Map(reading.list("XenAddressMap", parseAddressPair)),
    parallelCalls: reading.integer("XenParallelCalls"),
    connectTimeoutMs: reading.integer("XenConnectSeconds") * 1000,
    callTimeoutMs: reading.integer("XenCallSeconds") * 1000,
    answerMaxBytes: reading.integer("XenAnswerMaxMb") * 1024 * 1024,
  };
}

function buildMysql(reading: Reading): MysqlSettings {
  const database = reading.text("MysqlDatabase");
  if (!/^[0-9A-Za-z_$-]{1,64}$/.test(database)) {
    reading.problem("MysqlDatabase", "must be 1 to 64 letters, digits, _, $ or -");
  }
  const servers = reading.list("MysqlHost", parseServer);
  const bySocket = servers.length > 0 && servers.every(({ host }) => host.startsWith("/"));
  return {
    servers,
    user: reading.text("MysqlUsr"),
    // Over a socket the server may know the caller without one.
    password: reading.secret("MysqlPass", bySocket),
    database,
    caPem: reading.fileContent("MysqlCaFile"),
    connectTimeoutMs: reading.integer("MysqlConnectSeconds") * 1000,
    statementTimeoutMs: reading.integer("MysqlStatementSeconds") * 1000,
  };
}

function buildCollect(reading: Reading): CollectSettings {
  return {
    deadlineMs: reading.integer("CollectDeadlineSeconds") * 1000,
    wholeEveryMs: reading.integer("CollectWholeMinutes") * 60_000,
    unreadHostsPercent: reading.integer("CollectUnreadHostsPercent"),
    hostTimeoutMs: reading.integer("CollectHostSeconds") * 1000,
    method: reading.choice("CollectMethod") as CollectSettings["method"],
    eth0Device: reading.text("CollectEth0Device"),
    recordWaits: reading.choice("CollectRecordWaits") === "yes",
    hostSampleDays: reading.integer("HistoryHostSampleDays"),
    snapshotDays: reading.integer("HistorySnapshotDays"),
    metricsFile: metricsFile(reading, "CollectMetricsFile"),
  };
}

function buildControl(reading: Reading): ControlSettings {
  const sampleCount = reading.integer("ControlSampleCount");
  const breaches = reading.integer("ControlBreaches");
  if (breaches > sampleCount) {
    reading.problem("ControlBreaches", `must not be above ControlSampleCount (${sampleCount})`);
  }
  const timeZone = reading.text("ControlTimeZone");
  if (!isTimeZone(timeZone)) {
    reading.problem("ControlTimeZone", "must be the name of a time zone, such as UTC or Europe/Rome");
  }
  return {
    mode: reading.choice("ControlMode") as ControlSettings["mode"],
    metricsFile: metricsFile(reading, "ControlMetricsFile"),
    snapshotMaxAgeSeconds: reading.integer("ControlSnapshotMaxAgeSeconds"),
    maxMovesPerRun: reading.integer("ControlMaxMovesPerRun"),
    sampleCount,
    breaches,
    sampleSeconds: reading.integer("ControlSampleSeconds"),
    timeZone,
    targetFraction: reading.integer("ControlTargetPercent") / 100,
    noisePercent: reading.integer("ControlNoisePercent"),
    momentaryWorsening: reading.choice("ControlMomentaryWorsening") === "yes",
    floors: Object.fromEntries(
      floorSettings.map((key) => [key, reading.integer(key)]),
    ) as ControlSettings["floors"],
    planMs: reading.integer("ControlPlanMilliseconds"),
    planSeed: reading.integer("ControlPlanSeed"),
    affinityTags: reading.list("ControlAffinityTags", (tag) => tag),
    antiAffinityTags: reading.list("ControlAntiAffinityTags", (tag) => tag),
    excludeTags: reading.list("ControlExcludeTags", (tag) => tag),
    headroomBytes: reading.integer("ControlHeadroomMb") * 1024 * 1024,
    squeeze: reading.choice("ControlSqueeze") as ControlSettings["squeeze"],
    cpuSpeed: reading.choice("ControlCpuSpeed") as ControlSettings["cpuSpeed"],
    pollMs: reading.integer("ControlPollSeconds") * 1000,
    migrationTimeoutMs: reading.integer("ControlMigrationMinutes") * 60_000,
    maxMovesPerHour: reading.integer("ControlMaxMovesPerHour"),
    maxMovesPerHost: reading.integer("ControlMaxMovesPerHost"),
    maxMigrationsInPool: reading.integer("ControlMaxMigrationsInPool"),
    transfersPerHost: reading.integer("ControlTransfersPerHost"),
    vmCooldownMinutes: reading.integer("ControlVmCooldownMinutes"),
    failedVmMinutes: reading.integer("ControlFailedVmMinutes"),
    quietMinutes: reading.integer("ControlQuietMinutes"),
    leaseMs: reading.integer("ControlLeaseSeconds") * 1000,
    green: {
      downMinutes: reading.integer("GreenDownMinutes"),
      upMinutes: reading.integer("GreenUpMinutes"),
      leastOnMinutes: reading.integer("GreenLeastOnMinutes"),
      leastAsleepMinutes: reading.integer("GreenLeastAsleepMinutes"),
      leastHostsOn: reading.integer("GreenLeastHostsOn"),
      stallMinutes: reading.integer("GreenStallMinutes"),
      wakeMinutes: reading.integer("GreenWakeMinutes"),
      idleWatts: reading.integer("GreenIdleWatts"),
      asleepWatts: reading.integer("GreenAsleepWatts"),
    },
  };
}

/** node_exporter reads no other names. */
function metricsFile(reading: Reading, key: string): string | null {
  const file = reading.optional(key);
  if (file !== null && !/^\/.*[^/]\.prom$/.test(file)) {
    reading.problem(key, "must be the whole path of a file that ends in .prom");
  }
  return file;
}

function buildWlb(reading: Reading): WlbSettings {
  const listen = parseListen(reading.text("WlbListen"));
  if (listen === null) {
    reading.problem("WlbListen", "must be an address and a port, such as 192.0.2.5:8012 or [::]:8012");
  }
  const passwordHash = reading.secret("WlbPassHash");
  if (passwordHash.reveal() !== "" && !isPasswordHash(passwordHash.reveal())) {
    reading.problem("WlbPassHash", "is no hash: xcp-wlb --hash-password prints one");
  }
  return {
    listen: listen ?? { host: "127.0.0.1", port: 8012 },
    user: reading.text("WlbUsr"),
    passwordHash,
    folder: reading.text("WlbFolder"),
    names: reading.list("WlbNames", parseDnsName),
    allowedAddresses: reading.list("WlbAllowedAddresses", (address) => address.toLowerCase()),
    maxAgeSeconds: reading.integer("WlbMaxAgeSeconds"),
    refreshMs: reading.integer("WlbRefreshSeconds") * 1000,
    failures: reading.integer("WlbFailures"),
    lockMs: reading.integer("WlbLockMinutes") * 60_000,
    metricsFile: metricsFile(reading, "WlbMetricsFile"),
  };
}

/** The form that `xcp-wlb --hash-password` prints: scrypt:N:r:p:salt:hash; of a cost that can be had. */
function isPasswordHash(text: string): boolean {
  const [, N, r, p] = /^scrypt:(\d{1,8}):(\d{1,3}):(\d{1,3}):[\w-]{16,}:[\w-]{40,}$/.exec(text) ?? [];
  const [cost, block, parallel] = [Number(N), Number(r), Number(p)];
  // Others are refused by scrypt itself, when the first pool asks.
  const isPossible = cost > 1 && Number.isInteger(Math.log2(cost)) && block > 0 && parallel > 0;
  return isPossible && 128 * cost * block <= mostHashBytes && parallel <= 16;
}

/** Memory that one look at a password may take. */
const mostHashBytes = 256 * 1024 * 1024;

function parseDnsName(text: string): string | { problem: string } {
  if (/^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?)+$/i.test(text)) return text.toLowerCase();
  return { problem: `"${text}" is no DNS name` };
}

/** The fingerprints in XenFingerprintFile: one a line, # begins a comment. */
function fingerprintsInFile(reading: Reading): string[] {
  const lines = (reading.fileContent("XenFingerprintFile") ?? "").split(/\r?\n/);
  return lines.flatMap((line, index) => {
    const text = line.replace(/#.*/, "").trim();
    if (text === "") return [];
    const parsed = parseFingerprint(text);
    if (typeof parsed === "string") return [parsed];
    reading.problem("XenFingerprintFile", `line ${index + 1} of the file ${parsed.problem}`);
    return [];
  });
}

function parseFingerprint(text: string): string | { problem: string } {
  const digits = text.replace(/^sha-?256[:=]?/i, "").replace(/:/g, "");
  if (!/^[0-9a-f]{64}$/i.test(digits)) {
    return { problem: "must be a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons" };
  }
  return (digits.toUpperCase().match(/../g) ?? []).join(":");
}
