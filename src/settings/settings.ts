/**
 * Turns a settings file and the environment into one typed object, or into the whole list of what is wrong.
 * Does no IO itself: the file's text, dotenv's reading of it and a file reader are arguments. Never quotes a value
 * that could be a password.
 */
import { describeError } from "../domain/errors.ts";
import { isTimeZone } from "../domain/hours.ts";
import { type FloorSetting, floorSettings } from "../domain/rule.ts";
import { closest } from "../text/text.ts";
import { parseAddressPair, parseServer, parseXenUrl, type ServerAddress } from "./address.ts";
import { environmentName, type SettingGroup, type SettingKey, settingKeys } from "./keys.ts";
import { Secret } from "./secret.ts";
import { keyLines, textProblems } from "./text.ts";

export interface XenSettings {
  /** Members of the pool as URLs without a path, in the order to try them. */
  readonly urls: readonly string[];
  readonly user: string;
  readonly password: Secret;
  /** SHA-256 fingerprints as AA:BB:..., upper case; empty when none is pinned. */
  readonly fingerprints: readonly string[];
  /** The file that some of them stand in, as the settings name it; null for none. */
  readonly fingerprintFile: string | null;
  /** PEM text of the authorities to trust, or null. */
  readonly caPem: string | null;
  readonly tlsMinVersion: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
  readonly poolUuid: string | null;
  /** Advertised to reachable address, for pools behind address translation. */
  readonly addressMap: ReadonlyMap<string, string>;
  /** Calls to one member at the same time. */
  readonly parallelCalls: number;
  readonly connectTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly answerMaxBytes: number;
}

export interface MysqlSettings {
  readonly servers: readonly ServerAddress[];
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  readonly caPem: string | null;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
}

export interface CollectSettings {
  readonly deadlineMs: number;
  readonly unreadHostsPercent: number;
  /** Deadline for one host's measures. */
  readonly hostTimeoutMs: number;
  /** "rrd": one request a host; "query": a call for each value; "auto": rrd where the host serves it. */
  readonly method: "auto" | "rrd" | "query";
  /** The interface that Host.PifEth0RxKb and PifEth0TxKb show; "auto": each host's management interface. */
  readonly eth0Device: string;
  /** Days that the hosts' measures and the whole snapshots of collections are kept. */
  readonly hostSampleDays: number;
  readonly snapshotDays: number;
}

export interface ControlSettings {
  readonly snapshotMaxAgeSeconds: number;
  readonly maxMovesPerRun: number;
  /** Collections that are averaged, and in how many of them a host must break a rule. */
  readonly sampleCount: number;
  readonly breaches: number;
  /** Seconds between two of them. */
  readonly sampleSeconds: number;
  /** The zone that hours of rules are in: "UTC", "Europe/Rome". */
  readonly timeZone: string;
  /** The part of the threshold that plans aim at, 0.1 to 1. */
  readonly targetFraction: number;
  /** A host whose value is not above this breaks no rule. */
  readonly floors: Readonly<Record<FloorSetting, number>>;
  /** Nominal milliseconds that a plan may take, and what its chance begins with. */
  readonly planMs: number;
  readonly planSeed: number;
  /** VMs with the same one of these tags stay together, are kept apart, are left alone. */
  readonly affinityTags: readonly string[];
  readonly antiAffinityTags: readonly string[];
  readonly excludeTags: readonly string[];
  readonly headroomBytes: number;
  /** Whether VMs may move that a migration would take used memory from, or that a host has too little room for. */
  readonly squeeze: "never" | "allow";
  /** Whether a VM's load is scaled by the clock rates of hosts that are unequal. */
  readonly cpuSpeed: "scale" | "ignore";
  readonly pollMs: number;
  /** The longest that any migration may take. */
  readonly migrationTimeoutMs: number;
  readonly maxMovesPerHour: number;
  /** Migrations that one host gives or takes within an hour. */
  readonly maxMovesPerHost: number;
  /** Migrations in the pool at the same time, ours and everybody else's. */
  readonly maxMigrationsInPool: number;
  /** Our migrations that one host gives and takes at the same time. */
  readonly transfersPerHost: number;
  /** How long a VM is left alone after a migration, and after the first of several that failed. */
  readonly vmCooldownMinutes: number;
  readonly failedVmMinutes: number;
  /** How long nothing is moved after a host died, came back, or was disabled or enabled. */
  readonly quietMinutes: number;
  readonly leaseMs: number;
  readonly green: GreenSettings;
}

/** How rules that gather VMs are carried out. */
export interface GreenSettings {
  /** A host is emptied when the load allowed it so long; woken when that of so long asks for it. */
  readonly downMinutes: number;
  readonly upMinutes: number;
  /** A host that came up stays on so long, one that went to sleep sleeps so long, unless a limit is reached. */
  readonly leastOnMinutes: number;
  readonly leastAsleepMinutes: number;
  readonly leastHostsOn: number;
  /** When a drain without progress is taken back, and a host that does not wake is given up. */
  readonly stallMinutes: number;
  readonly wakeMinutes: number;
  /** What a host draws, in watts. */
  readonly idleWatts: number;
  readonly asleepWatts: number;
}

export interface Settings {
  readonly xen: XenSettings;
  readonly mysql: MysqlSettings;
  readonly collect: CollectSettings;
  readonly control: ControlSettings;
}

export interface SettingsSources {
  /** The settings file as messages name it; null when there is none and the environment must give everything. */
  readonly fileName: string | null;
  readonly text: string;
  /** What dotenv reads from `text`. */
  readonly values: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reads a file named by a setting; throws an Error whose message says why it could not. */
  readonly readFile: (path: string, isSecret: boolean) => string;
  /** The text of a systemd credential, or null where there is none of that name. */
  readonly readCredential: (name: string) => string | null;
}

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
    xen: buildXen(reading),
    mysql: buildMysql(reading),
    collect: buildCollect(reading),
    control: buildControl(reading),
  };
  reading.reportMissing(groups);
  if (reading.problems.length > 0) return { problems: reading.problems };
  return { settings: built };
}

/** One pass over the keys: looks values up, converts them and gathers the problems. */
class Reading {
  readonly problems: string[] = [];
  readonly #sources: SettingsSources;
  readonly #lineOf: ReadonlyMap<string, number>;
  readonly #missing: string[] = [];

  constructor(sources: SettingsSources) {
    this.#sources = sources;
    this.#lineOf = keyLines(sources.text);
  }

  inFile(problem: string): string {
    return this.#sources.fileName === null ? problem : `${this.#sources.fileName}: ${problem}`;
  }

  reportUnknownKeys(): void {
    const known = Object.keys(settingKeys);
    for (const key of Object.keys(this.#sources.values)) {
      if (Object.hasOwn(settingKeys, key)) continue;
      const near = closest(key, known);
      const hint = near === null ? "see settings.example for the keys" : `did you mean ${near}?`;
      this.problems.push(this.inFile(`line ${this.#lineOf.get(key) ?? "?"}: unknown key ${key}; ${hint}`));
    }
  }

  reportMissing(groups: readonly SettingGroup[]): void {
    for (const key of this.#missing) {
      if (!groups.includes(keyNamed(key).group)) continue;
      this.problems.push(
        this.inFile(`${key} is missing; add a line ${key}=... or set ${environmentName(key)}`),
      );
    }
  }

  problem(key: string, rule: string): void {
    this.problems.push(`${this.#origin(key)}${key}: ${rule}`);
  }

  /** The value of `key`, or null when it is nowhere. An empty value counts as absent where the key is optional. */
  lookup(key: string): string | null {
    const name = environmentName(key);
    const { environment, values } = this.#sources;
    const fileVariable = `${name}_FILE`;
    // For a key that is itself a file name there is no second level of indirection.
    const indirect = keyNamed(key).kind === "secret";
    const direct = environment[name];
    const viaFile = indirect ? environment[fileVariable] : undefined;
    if (direct !== undefined && viaFile !== undefined) {
      this.problems.push(`${name} and ${fileVariable} are both set; keep one`);
    }
    if (direct !== undefined) return direct;
    if (viaFile !== undefined) return this.#readPasswordFile(fileVariable, viaFile);
    const credential = indirect ? this.#sources.readCredential(key) : null;
    if (credential !== null) return withoutLineEnd(credential);
    const inFile = values[key];
    const passwordFile = indirect ? values[`${key}File`] : undefined;
    if (inFile !== undefined && passwordFile !== undefined) {
      this.problem(key, `given twice, here and by ${key}File; keep one`);
    }
    if (inFile !== undefined) return inFile;
    return passwordFile === undefined ? null : this.#readPasswordFile(`${key}File`, passwordFile);
  }

  text(key: string): string {
    const value = this.lookup(key);
    const definition = keyNamed(key);
    if (value !== null && value !== "") return value;
    if (definition.required) this.#missing.push(key);
    return definition.kind === "text" ? (definition.fallback ?? "") : "";
  }

  optional(key: string): string | null {
    const value = this.lookup(key);
    return value === null || value === "" ? null : value;
  }

  secret(key: string, mayBeMissing = false): Secret {
    const value = this.lookup(key);
    // An empty password is a password (MySQL accepts one); only a missing key is missing.
    if (value === null && !mayBeMissing) this.#missing.push(key);
    return new Secret(value ?? "");
  }

  list<T>(key: string, parse: (item: string) => T | { problem: string }): T[] {
    const items = this.text(key)
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
    // Commas and nothing between them: written, but as good as missing.
    if (items.length === 0 && keyNamed(key).required && this.lookup(key)) this.#missing.push(key);
    const parsed: T[] = [];
    for (const item of items) {
      const result = parse(item);
      if (isProblem(result)) this.problem(key, result.problem);
      else parsed.push(result);
    }
    return parsed;
  }

  integer(key: string): number {
    const definition = keyNamed(key);
    if (definition.kind !== "integer") throw new Error(`${key} is no integer key`);
    const { min, max, fallback } = definition;
    const text = this.optional(key);
    if (text === null) return fallback;
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.problem(key, `must be a whole number from ${min} to ${max}, not "${text}"`);
    return fallback;
  }

  choice(key: string): string {
    const definition = keyNamed(key);
    if (definition.kind !== "choice") throw new Error(`${key} is no choice key`);
    const text = this.optional(key);
    if (text === null || definition.choices.includes(text)) return text ?? definition.fallback;
    this.problem(key, `must be one of ${definition.choices.join(", ")}`);
    return definition.fallback;
  }

  fileContent(key: string): string | null {
    const path = this.optional(key);
    if (path === null) return null;
    try {
      return this.#sources.readFile(path, false);
    } catch (error) {
      this.problem(key, `cannot use the file it names: ${describeError(error)}`);
      return null;
    }
  }

  #readPasswordFile(from: string, path: string): string {
    try {
      return withoutLineEnd(this.#sources.readFile(path, true));
    } catch (error) {
      this.problems.push(`${from}: cannot use the file it names: ${describeError(error)}`);
      return "";
    }
  }

  #origin(key: string): string {
    if (this.#sources.environment[environmentName(key)] !== undefined) return "environment: ";
    const line = this.#lineOf.get(key);
    return line === undefined ? "" : this.inFile(`line ${line}: `);
  }
}

function keyNamed(key: string): SettingKey {
  const definition = settingKeys[key];
  if (definition === undefined) throw new Error(`no such setting: ${key}`);
  return definition;
}

function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, "");
}

function isProblem(value: unknown): value is { problem: string } {
  return typeof value === "object" && value !== null && "problem" in value;
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
    unreadHostsPercent: reading.integer("CollectUnreadHostsPercent"),
    hostTimeoutMs: reading.integer("CollectHostSeconds") * 1000,
    method: reading.choice("CollectMethod") as CollectSettings["method"],
    eth0Device: reading.text("CollectEth0Device"),
    hostSampleDays: reading.integer("HistoryHostSampleDays"),
    snapshotDays: reading.integer("HistorySnapshotDays"),
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
    snapshotMaxAgeSeconds: reading.integer("ControlSnapshotMaxAgeSeconds"),
    maxMovesPerRun: reading.integer("ControlMaxMovesPerRun"),
    sampleCount,
    breaches,
    sampleSeconds: reading.integer("ControlSampleSeconds"),
    timeZone,
    targetFraction: reading.integer("ControlTargetPercent") / 100,
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
