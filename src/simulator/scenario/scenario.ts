/** A pool described by text: the scenario format, and what it says as data. Pure. */
import { AppError } from "../../domain/errors.ts";
import { profiles, type ServerProfile } from "../objects/profile.ts";
import { findRelease, knownReleases } from "../objects/release.ts";
import { generatePool } from "./scenarioGenerate.ts";
import { checkNetworks, readNetwork } from "./scenarioNetworks.ts";
import { readHost, readStorage, readUser, readVm } from "./scenarioObjects.ts";
import type {
  HostSpec,
  NetworkSpec,
  PoolSpec,
  Scenario,
  StorageSpec,
  UserSpec,
  VmSpec,
} from "./scenarioSpecs.ts";
import { LineProblem, readStatement, SettingsReader, type Statement } from "./scenarioText.ts";

interface Draft {
  pool: PoolSpec | null;
  bandwidthMbit: number;
  readonly hosts: HostSpec[];
  readonly vms: VmSpec[];
  readonly storage: StorageSpec[];
  readonly networks: NetworkSpec[];
  readonly users: UserSpec[];
}

/** Reads a scenario; all its problems are reported together, each with its line. `source` names the text in them. */
export function parseScenario(text: string, source = "scenario"): Scenario {
  const draft: Draft = {
    pool: null,
    bandwidthMbit: 1000,
    hosts: [],
    vms: [],
    storage: [],
    networks: [],
    users: [],
  };
  const problems: string[] = [];
  const guard = (line: number, work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof LineProblem)) throw error;
      problems.push(`${source}:${line}: ${error.message}`);
    }
  };
  for (const { number, line } of joinedLines(text)) {
    guard(number, () => {
      const statement = readStatement(line);
      if (statement !== null) readInto(draft, statement);
    });
  }
  // What other lines refer to is only assessed where all lines could be read.
  const lines = text.split("\n").length;
  for (const check of [checkHosts, checkPlaces, checkDevices, checkUuids]) {
    if (problems.length === 0) guard(lines, () => check(draft));
  }
  if (problems.length > 0) throw new AppError("usage", problems.join("\n"));
  return {
    pool: draft.pool ?? readPool(new SettingsReader(unnamedPool)),
    hosts: withMaster(draft.hosts),
    vms: draft.vms,
    storage: draft.storage,
    networks: draft.networks,
    users: draft.users,
  };
}

/** Lines with their numbers; a backslash at the end of a line joins it with the next. */
function joinedLines(text: string): { number: number; line: string }[] {
  const joined: { number: number; line: string }[] = [];
  let open = false;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const content = line.replace(/\s*\\$/, "");
    const last = joined.at(-1);
    if (open && last !== undefined) last.line += ` ${content}`;
    else joined.push({ number: index + 1, line: content });
    open = content !== line;
  }
  return joined;
}

const unnamedPool: Statement = { word: "pool", name: "Pool", settings: new Map(), flags: new Set() };

function readInto(draft: Draft, statement: Statement): void {
  const reader = new SettingsReader(statement);
  switch (statement.word) {
    case "pool":
      if (draft.pool !== null || draft.hosts.length > 0)
        throw new LineProblem("pool must come first, and once");
      draft.bandwidthMbit = reader.number("bandwidth", 1000, { min: 0.1, max: 400_000, whole: false });
      draft.pool = readPool(reader);
      break;
    case "host":
      draft.hosts.push(readHost(reader, draft.bandwidthMbit));
      break;
    case "vm":
    case "template":
    case "snapshot":
      draft.vms.push(readVm(reader, statement.word));
      break;
    case "sr":
      draft.storage.push(readStorage(reader));
      break;
    case "network":
      draft.networks.push(readNetwork(reader));
      break;
    case "user":
      draft.users.push(readUser(reader));
      break;
    case "generate": {
      const generated = generatePool(reader, draft.bandwidthMbit);
      draft.hosts.push(...generated.hosts);
      draft.vms.push(...generated.vms);
      break;
    }
    default:
      throw new LineProblem(
        `unknown word "${statement.word}"; a line begins with pool, host, vm, template, snapshot, sr, network, user or generate`,
      );
  }
  reader.finish();
}

function readPool(reader: SettingsReader): PoolSpec {
  const profile = readProfileName(reader);
  const product = reader.text("product") ?? profile?.release.product ?? "XCP-ng";
  const version = reader.text("version") ?? profile?.release.version ?? "8.2";
  const release = findRelease(product, version);
  if (release === null)
    throw new LineProblem(`${product} ${version} is not known; there is ${knownReleases}`);
  return {
    name: reader.name(),
    uuid: reader.uuid("uuid"),
    release,
    profile,
    haTolerates: reader.number("ha", 0, { min: 0, max: 3 }),
  };
}

/** `profile=xcp-ng-8.2`; it fixes product and version. */
function readProfileName(reader: SettingsReader): ServerProfile | null {
  const name = reader.text("profile");
  if (name === null) return null;
  const profile = profiles.get(name);
  if (profile === undefined)
    throw new LineProblem(`profile=${name}: must be one of ${[...profiles.keys()].join(", ")}`);
  if (reader.text("product") !== null || reader.text("version") !== null)
    throw new LineProblem("a profile fixes product and version: give one or the other");
  return profile;
}

function checkHosts(draft: Draft): void {
  if (draft.hosts.length === 0) throw new LineProblem("a pool needs a host");
  const twice = duplicate(draft.hosts.map((host) => host.name));
  if (twice !== null) throw new LineProblem(`there are two hosts called ${twice}`);
  const user = duplicate(draft.users.map(({ name }) => name));
  if (user !== null) throw new LineProblem(`there are two users called ${user}`);
  if (draft.hosts.filter((host) => host.master).length > 1) throw new LineProblem("a pool has one master");
  if (withMaster(draft.hosts).some((host) => host.master && host.off))
    throw new LineProblem("the master must be on");
}

function checkPlaces(draft: Draft): void {
  const hosts = new Set(draft.hosts.map((host) => host.name));
  const storage = new Set(draft.storage.map((sr) => sr.name));
  const networks = new Set(draft.networks.map((network) => network.name));
  for (const place of [...draft.storage, ...draft.networks]) {
    const unknown = place.hosts?.find((host) => !hosts.has(host));
    if (unknown !== undefined) throw new LineProblem(`${place.name}: there is no host ${unknown}`);
  }
  for (const vm of draft.vms) {
    const problem = (text: string): never => {
      throw new LineProblem(`${vm.kind} ${vm.name.slice(0, 60)}: ${text}`);
    };
    if (vm.on !== null && !hosts.has(vm.on)) problem(`there is no host ${vm.on}`);
    if (draft.hosts.some((host) => host.name === vm.on && host.off)) problem(`host ${vm.on} is off`);
    for (const disk of vm.disks)
      if (disk !== "local" && !storage.has(disk)) problem(`there is no sr ${disk}`);
    for (const name of vm.networks) if (!networks.has(name)) problem(`there is no network ${name}`);
    const carried = 1 + (vm.load.others?.length ?? 0);
    if (carried > Math.max(1, vm.networks.length))
      problem(`traffic of ${carried} interfaces, but it is on ${Math.max(1, vm.networks.length)} networks`);
    if (vm.snapshotOf !== null && !draft.vms.some((other) => other.name === vm.snapshotOf)) {
      problem(`there is no vm ${vm.snapshotOf}`);
    }
  }
}

function checkDevices({ networks, hosts }: Draft): void {
  checkNetworks(
    networks,
    hosts.map(({ name }) => name),
  );
}

function checkUuids(draft: Draft): void {
  const uuids = [
    ...draft.hosts.flatMap((host) => [host.uuid, host.controlDomainUuid]),
    ...[...draft.vms, ...draft.storage, ...draft.networks].map((object) => object.uuid),
  ];
  const twice = duplicate(uuids.filter((uuid) => uuid !== null));
  if (twice !== null) throw new LineProblem(`the uuid ${twice} is given twice`);
}

function duplicate(values: readonly string[]): string | null {
  return values.find((value, index) => values.indexOf(value) !== index) ?? null;
}

function withMaster(hosts: readonly HostSpec[]): HostSpec[] {
  const master = Math.max(
    0,
    hosts.findIndex((host) => host.master),
  );
  return hosts.map((host, index) => ({ ...host, master: index === master }));
}
