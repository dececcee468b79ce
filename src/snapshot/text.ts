/**
 * A snapshot as text to read, compare and mail, and back: one line an object, sorted by uuid. Pure.
 *
 * The text is ASCII alone: whatever else stands in a name is written as `\u{e9}`, so that no mail gateway, editor or
 * git setting can change it. Numbers are written exactly; what is unknown is a dash. The last line counts the objects,
 * so that a text that was cut off is noticed.
 */
import { AppError } from "../domain/errors.ts";
import {
  asUuid,
  type Host,
  type HostAdditions,
  type HostDoubt,
  type HostInterfaces,
  type InfeasiblePair,
  type Placement,
  type PoolFacts,
  type Snapshot,
  type Vm,
  type VmCpuDemand,
  type VmEth0,
  type VmHome,
} from "../domain/pool.ts";
import type { Codec } from "./codec.ts";
import { demandSource, flag, list, number, optional, orUnknown, text, uuid, values } from "./values.ts";
import { type Line, LineReader, readLine, SnapshotProblem } from "./words.ts";

/** What the text holds beside the objects. */
export interface SnapshotDocument {
  readonly snapshot: Snapshot;
  /** When the pool was read. */
  readonly takenAt: Date;
  /** False when more hosts were unread than the settings allowed. */
  readonly complete: boolean;
}

const formatVersion = 1;
const firstWord = "xcp-balance-snapshot";

/** A codec for each property; the compiler asks for one when a noun gets a new property. */
type FieldForms<T> = { readonly [K in keyof T]: Codec<T[K]> };

const poolFields: FieldForms<Omit<PoolFacts, "uuid" | "name" | "wlbUrl">> = {
  haEnabled: flag,
  wlbEnabled: flag,
  rollingUpgrade: flag,
  haTolerance: optional(number),
  haPlannedFor: optional(number),
};

const hostFields: FieldForms<
  Omit<Host, "uuid" | "name" | keyof HostAdditions | keyof HostInterfaces | keyof HostDoubt>
> = {
  ip: orUnknown(text),
  isMaster: flag,
  enabled: flag,
  live: flag,
  read: flag,
  version: text,
  powerOnMode: text,
  cpuMhz: optional(number),
  cpuNum: orUnknown(number),
  placementFreeBytes: orUnknown(number),
  cpuAverage: orUnknown(number),
  memoryTotalMb: orUnknown(number),
  memoryFreeMb: orUnknown(number),
  pifEth0RxKb: orUnknown(number),
  pifEth0TxKb: orUnknown(number),
  pifLoRxKb: orUnknown(number),
  pifLoTxKb: orUnknown(number),
  dom0LoadAvg: orUnknown(number),
  xapiMemoryUsageMb: orUnknown(number),
  xapiFreeMemoryMb: orUnknown(number),
};

/** What only rules of the added tables compare; not written where it was not measured. */
const hostAdditions = {
  sources: optional(values),
  doubt: optional(text),
  interfaces: optional(list),
  eth0: optional(text),
};
const vmAdditions = {
  cpuWait: optional(number),
  cpuDemand: optional(number),
  demandFrom: optional(demandSource),
  eth0Vifs: optional(number),
  eth0RxKb: optional(number),
  eth0TxKb: optional(number),
  homeServer: optional(uuid),
};

const vmFields: FieldForms<
  Omit<Vm, "uuid" | "name" | "cpuWait" | keyof VmEth0 | keyof VmHome | keyof VmCpuDemand>
> = {
  powerState: text,
  isControlDomain: flag,
  vcpuNum: orUnknown(number),
  placementBytes: orUnknown(number),
  copyBytes: orUnknown(number),
  hasTools: flag,
  immovable: orUnknown(text),
  haPriority: text,
  tags: list,
  antiAffinityGroups: list,
  migratingTo: optional(uuid),
  shrinksToBytes: optional(number),
  vcpuAverage: orUnknown(number),
  memoryMb: orUnknown(number),
  memoryInternalFreeMb: orUnknown(number),
  vif0RxKb: orUnknown(number),
  vif0TxKb: orUnknown(number),
};

/** The text of a snapshot: the same snapshot gives the same text, whatever the order of its lists. */
export function printSnapshot({ snapshot, takenAt, complete }: SnapshotDocument): string {
  const { pool, hosts, vms, placements, infeasiblePairs } = snapshot;
  const named = (word: string, object: { uuid: string; name: string }, values: string) =>
    `${word} ${object.uuid} ${text.print(object.name)}${values}`;
  const lines = [
    `${firstWord} ${formatVersion}`,
    named("pool", pool, printFields(poolFields, pool)),
    `taken ${takenAt.toISOString()} complete=${flag.print(complete)}`,
    ...hosts.toSorted(by(({ uuid }) => uuid)).map((host) => named("host", host, printHost(host))),
    ...vms.toSorted(by(({ uuid }) => uuid)).map((vm) => named("vm", vm, printVm(vm))),
    ...placements.map(({ vmUuid, hostUuid }) => `place ${vmUuid} ${hostUuid}`).sort(by((line) => line)),
    ...infeasiblePairs
      .map(({ vmUuid, hostUuid, reason }) => `bar ${vmUuid} ${hostUuid} ${text.print(reason)}`)
      .sort(by((line) => line)),
    `end hosts=${hosts.length} vms=${vms.length} places=${placements.length} bars=${infeasiblePairs.length}`,
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * Reads what `printSnapshot` wrote; line ends, blank lines and lines that begin with # do not matter, nor the order.
 * @param source names the text in errors.
 * @throws AppError "usage" with every problem found, each with its line and the reason.
 */
export function parseSnapshot(content: string, source = "snapshot"): SnapshotDocument {
  const lines = content.replace(/^\uFEFF/, "").split(/\r?\n/);
  const draft = new SnapshotDraft();
  const problems: string[] = [];
  const guard = (number: number, work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof SnapshotProblem)) throw error;
      problems.push(`${source}:${number}: ${error.message}`);
    }
  };
  for (const [index, raw] of lines.entries()) {
    if (raw.trim() === "" || raw.startsWith("#")) continue;
    guard(index + 1, () => draft.take(readLine(raw)));
    // A text of another kind or version has a problem in every line; the first says it all.
    if (!draft.begun || problems.length >= 20) break;
  }
  if (problems.length === 0) guard(lines.length, () => draft.checkWhole());
  if (problems.length > 0) throw new AppError("usage", problems.join("\n"));
  return draft.document();
}

/** What has been read so far. */
class SnapshotDraft {
  begun = false;
  #ended = false;
  #pool: PoolFacts | null = null;
  #taken: { at: Date; complete: boolean } | null = null;
  readonly #hosts = new Map<string, Host>();
  readonly #vms = new Map<string, Vm>();
  readonly #placements = new Map<string, Placement>();
  readonly #infeasiblePairs = new Map<string, InfeasiblePair>();

  take(line: Line): void {
    if (!this.begun) {
      this.#begin(line);
      return;
    }
    if (this.#ended) throw new SnapshotProblem(`nothing may follow the line "end"`);
    const reader = new LineReader(line);
    this.#takeObject(line.word, reader);
    reader.finish();
  }

  #begin(line: Line): void {
    if (line.word !== firstWord) {
      throw new SnapshotProblem(
        `this is no snapshot: its first line must be "${firstWord} ${formatVersion}"`,
      );
    }
    const version = new LineReader(line).bare("the format's version");
    if (version !== String(formatVersion)) {
      throw new SnapshotProblem(
        `format version ${version} is not known; this program reads ${formatVersion}`,
      );
    }
    this.begun = true;
  }

  #takeObject(word: string, reader: LineReader): void {
    switch (word) {
      case "pool":
        if (this.#pool !== null) throw new SnapshotProblem("there is a line pool already");
        this.#pool = { ...identity(reader), ...readFields(poolFields, reader) };
        return;
      case "taken":
        this.#taken = { at: readTime(reader.bare("a time")), complete: reader.value("complete", flag) };
        return;
      case "host": {
        const host = readHost(reader);
        putNew(this.#hosts, host.uuid, host, "host");
        return;
      }
      case "vm": {
        const vm = readVm(reader);
        putNew(this.#vms, vm.uuid, vm, "vm");
        return;
      }
      case "place": {
        const pair = this.#pair(reader);
        putNew(this.#placements, pair.vmUuid, pair, "place of vm");
        return;
      }
      case "bar": {
        const infeasiblePair = { ...this.#pair(reader), reason: reader.quoted("a reason") };
        putNew(
          this.#infeasiblePairs,
          `${infeasiblePair.vmUuid} ${infeasiblePair.hostUuid}`,
          infeasiblePair,
          "bar",
        );
        return;
      }
      case "end":
        this.#end(reader);
        return;
      default:
        throw new SnapshotProblem(
          `unknown word ${word}; a line begins with pool, taken, host, vm, place, bar or end`,
        );
    }
  }

  #pair(reader: LineReader): Placement {
    return { vmUuid: asUuid(reader.uuid("vm")), hostUuid: asUuid(reader.uuid("host")) };
  }

  #end(reader: LineReader): void {
    const counts = {
      hosts: this.#hosts.size,
      vms: this.#vms.size,
      places: this.#placements.size,
      bars: this.#infeasiblePairs.size,
    };
    for (const [what, found] of Object.entries(counts)) {
      const expected = reader.value(what, number);
      if (expected !== found)
        throw new SnapshotProblem(`${expected} ${what} were written, ${found} are here`);
    }
    this.#ended = true;
  }

  /** What one line alone cannot tell. */
  checkWhole(): void {
    if (!this.begun) throw new SnapshotProblem("the text is empty");
    if (!this.#ended) throw new SnapshotProblem(`the line "end" is missing: the text was cut off`);
    if (this.#pool === null) throw new SnapshotProblem("there is no line pool");
    if (this.#taken === null) throw new SnapshotProblem("there is no line taken");
    for (const { vmUuid, hostUuid } of [...this.#placements.values(), ...this.#infeasiblePairs.values()]) {
      if (!this.#vms.has(vmUuid))
        throw new SnapshotProblem(`there is no vm ${vmUuid}, but it has a place or bar`);
      if (!this.#hosts.has(hostUuid))
        throw new SnapshotProblem(`there is no host ${hostUuid}, but a vm names it`);
    }
  }

  document(): SnapshotDocument {
    if (this.#pool === null || this.#taken === null) throw new Error("document() before checkWhole()");
    return {
      snapshot: {
        pool: this.#pool,
        hosts: [...this.#hosts.values()].sort(by(({ uuid }) => uuid)),
        vms: [...this.#vms.values()].sort(by(({ uuid }) => uuid)),
        placements: [...this.#placements.values()].sort(by((each) => `${each.hostUuid} ${each.vmUuid}`)),
        infeasiblePairs: [...this.#infeasiblePairs.values()].sort(
          by((each) => `${each.vmUuid} ${each.hostUuid}`),
        ),
      },
      takenAt: this.#taken.at,
      complete: this.#taken.complete,
    };
  }
}

function printHost(host: Host): string {
  const { sources = null, doubt = null, interfaces = null, eth0 = null } = host;
  return printFields(hostFields, host) + printFields(hostAdditions, { sources, doubt, interfaces, eth0 });
}

function printVm(vm: Vm): string {
  const { cpuWait = null, eth0Vifs = null, eth0RxKb = null, eth0TxKb = null } = vm;
  const { cpuDemand = null, demandFrom = null, homeServer = null } = vm;
  const additions = { cpuWait, cpuDemand, demandFrom, eth0Vifs, eth0RxKb, eth0TxKb, homeServer };
  return printFields(vmFields, vm) + printFields(vmAdditions, additions);
}

function readHost(reader: LineReader): Host {
  const host = { ...identity(reader), ...readFields(hostFields, reader) };
  return { ...host, ...present(readFields(hostAdditions, reader)) };
}

function readVm(reader: LineReader): Vm {
  const vm = { ...identity(reader), ...readFields(vmFields, reader) };
  return { ...vm, ...present(readFields(vmAdditions, reader)) };
}

/** Without what is null. */
function present<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const known = Object.entries(fields).filter(([, value]) => value !== null);
  return Object.fromEntries(known) as { [K in keyof T]?: NonNullable<T[K]> };
}

function printFields<T extends object>(fields: FieldForms<T>, object: T): string {
  let line = "";
  for (const key of Object.keys(fields) as (keyof T & string)[]) {
    if (fields[key].absent !== undefined && object[key] === fields[key].absent) continue;
    line += ` ${key}=${fields[key].print(object[key])}`;
  }
  return line;
}

function readFields<T extends object>(fields: FieldForms<T>, reader: LineReader): T {
  const entries = (Object.keys(fields) as (keyof T & string)[]).map((key) => [
    key,
    reader.value(key, fields[key]),
  ]);
  return Object.fromEntries(entries) as T;
}

function identity(reader: LineReader): { uuid: Host["uuid"]; name: string } {
  return { uuid: asUuid(reader.uuid("the object")), name: reader.quoted("a name") };
}

function readTime(written: string): Date {
  const time = new Date(written);
  if (/^\d{4}-\d\d-\d\dT/.test(written) && !Number.isNaN(time.getTime())) return time;
  throw new SnapshotProblem(`${written} is no time such as 2026-01-31T12:00:00.000Z`);
}

function putNew<T>(map: Map<string, T>, key: string, value: T, what: string): void {
  if (map.has(key)) throw new SnapshotProblem(`the ${what} ${key} is there twice`);
  map.set(key, value);
}

function by<T>(key: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => {
    const [left, right] = [key(a), key(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  };
}
