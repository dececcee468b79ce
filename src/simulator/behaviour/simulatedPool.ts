/** The simulated pool: objects, time, load and faults behind the servers. Opens no sockets. */

import { AppError } from "../../domain/errors.ts";
import { parseSnapshot } from "../../snapshot/text.ts";
import { poolMessages } from "../messages/messages.ts";
import { createModel, masterOf, type PoolModel } from "../metrics/model.ts";
import { measureStore } from "../metrics/rrdMeasures.ts";
import type {
  AnswerFault,
  HostCondition,
  MeasureStore,
  MessageDefinition,
  SimulatedPoolLike,
} from "../objects/contract.ts";
import type { ObjectDatabase } from "../objects/database.ts";
import type { SimMap, SimValue } from "../objects/datamodel.ts";
import type { ServerProfile } from "../objects/profile.ts";
import { dressHosts } from "../objects/profileHosts.ts";
import type { Role } from "../objects/roles.ts";
import { builtinScenarios } from "../scenario/builtinScenarios.ts";
import { loadDump } from "../scenario/dump.ts";
import { parseScenario } from "../scenario/scenario.ts";
import { buildPool } from "../scenario/scenarioPool.ts";
import type { UserSpec } from "../scenario/scenarioSpecs.ts";
import { buildSnapshotPool, releaseOfSnapshot } from "../scenario/snapshotPool.ts";
import { diagnostics, report } from "../wlb/documents.ts";
import { VirtualClock } from "./clock.ts";
import type { Faults } from "./faults.ts";
import { conditionOf } from "./outages.ts";
import type { PowerRecord } from "./powerRecord.ts";
import { startUpkeep } from "./upkeep.ts";

export interface SimulatedPoolOptions {
  /** Everything random follows from it; 1 by default. */
  readonly seed?: number;
  /** Virtual seconds in a real one; 1 by default. */
  readonly speed?: number;
  /** Time stands still until `clock.advance` moves it. */
  readonly manualClock?: boolean;
  /** Where time starts, in milliseconds since 1970; the machine's time by default, a fixed date with a manual clock. */
  readonly startMs?: number;
  /** "root" and "xenroot" by default. */
  readonly user?: string;
  readonly password?: string;
  /** The role of that user; without one it is the local superuser. */
  readonly role?: Role;
  /** Real milliseconds that a refused login takes; 2000 by default. */
  readonly badPasswordDelayMs?: number;
  /** Plays this release in every respect, whatever the scenario or dump says; see profiles. */
  readonly profile?: ServerProfile;
  /** What a scenario's errors call it. */
  readonly source?: string;
  /** Hears, sentence by sentence, what a dump lacked and was given. */
  readonly notify?: (notice: string) => void;
}

interface Account {
  readonly password: string;
  readonly role: Role | null;
}

export class SimulatedPool implements SimulatedPoolLike {
  readonly model: PoolModel;
  readonly messages: ReadonlyMap<string, MessageDefinition>;
  readonly measures: MeasureStore;
  readonly profile?: ServerProfile;
  readonly badPasswordDelayMs: number;
  readonly #accounts: ReadonlyMap<string, Account>;
  readonly #stopUpkeep: () => void;

  private constructor(model: PoolModel, options: SimulatedPoolOptions, users: readonly UserSpec[] = []) {
    this.model = model;
    this.messages = poolMessages(model);
    this.measures = measureStore(model);
    if (model.profile !== null) {
      this.profile = model.profile;
      dressHosts(model, model.profile);
    }
    this.badPasswordDelayMs = options.badPasswordDelayMs ?? 2000;
    const { user = "root", password = "xenroot", role = null } = options;
    this.#accounts = new Map<string, Account>([
      ...users.map((each) => [each.name, each] as const),
      [user, { password, role }] as const,
    ]);
    this.#stopUpkeep = startUpkeep(model);
  }

  /** Builds the pool that a scenario describes; throws AppError with the problems and their lines. */
  static fromScenario(text: string, options: SimulatedPoolOptions = {}): SimulatedPool {
    const scenario = parseScenario(text, options.source ?? "scenario");
    const { release } = scenario.pool;
    const profile = options.profile ?? scenario.pool.profile;
    const model = createModel({ ...base(options), release, profile });
    buildPool(model, scenario);
    return new SimulatedPool(model, options, scenario.users);
  }

  /** Builds one of the pools that ship with the program. */
  static fromBuiltin(name: string, options: SimulatedPoolOptions = {}): SimulatedPool {
    const text = Object.hasOwn(builtinScenarios, name) ? builtinScenarios[name] : undefined;
    if (text === undefined) {
      const names = Object.keys(builtinScenarios).join(", ");
      throw new AppError("usage", `there is no built-in scenario ${name}; there are ${names}`);
    }
    return SimulatedPool.fromScenario(text, { source: name, ...options });
  }

  /** Builds the pool whose database `xe pool-dump-database` wrote; its VMs get loads by the seed. */
  static fromDump(xml: string, options: SimulatedPoolOptions = {}): SimulatedPool {
    const notify = options.notify === undefined ? {} : { notify: options.notify };
    return new SimulatedPool(loadDump(xml, { ...base(options), ...notify }), options);
  }

  /** Builds the pool of a snapshot's text (`xcp-collect --export`); its loads stay as they were measured. */
  static fromSnapshot(text: string, options: SimulatedPoolOptions = {}): SimulatedPool {
    const { snapshot } = parseSnapshot(text, options.source ?? "snapshot");
    const release = options.profile?.release ?? releaseOfSnapshot(snapshot);
    const model = createModel({ ...base(options), release });
    buildSnapshotPool(model, snapshot);
    return new SimulatedPool(model, options);
  }

  get db(): ObjectDatabase {
    return this.model.db;
  }

  get clock(): VirtualClock {
    return this.model.clock;
  }

  /** Who switched which host off and on, and how long each was on. */
  get power(): PowerRecord {
    return this.model.power;
  }

  get masterRef(): string {
    return masterOf(this.model);
  }

  authenticate(user: string, password: string): boolean {
    return this.#accounts.get(user)?.password === password;
  }

  roleOf(user: string): Role | null {
    return this.#accounts.get(user)?.role ?? null;
  }

  hostCondition(hostRef: string): HostCondition {
    return conditionOf(this.model, hostRef);
  }

  clockAheadMs(hostRef: string): number {
    return this.model.faults.clockAheadMs(hostRef);
  }

  async beforeAnswer(hostRef: string, method: string): Promise<AnswerFault> {
    const fault = this.model.faults.takeCallFault(hostRef, method);
    if (fault === null) return "answer";
    if (fault.delayMs > 0) await this.model.clock.sleep(fault.delayMs);
    return fault.answer;
  }

  document(path: string, query: readonly (readonly [string, string])[]): Promise<string> | null {
    if (path === "/wlb_report") return report(this.model, query);
    return path === "/wlb_diagnostics" ? diagnostics(this.model) : null;
  }

  damaged(method: string, args: readonly SimValue[], value: SimValue): SimValue {
    const [cls = "", message = ""] = method.split(".");
    const { faults } = this.model;
    if (message.startsWith("get_all_records")) return faults.damagedRecords(cls, value as SimMap);
    if (method === "event.from") return damagedEvents(faults, value as SimMap);
    if (message !== "get_record") return value;
    const ref = String(args[0]);
    return faults.damagedRecords(cls, { [ref]: value })[ref] ?? value;
  }

  /** Stops time: no timer of the pool runs any more. */
  close(): void {
    this.#stopUpkeep();
    this.model.clock.close();
  }
}

/** A batch of events whose snapshots a fault may hit; one that does not travel at all takes its event with it. */
function damagedEvents(faults: Faults, batch: SimMap): SimMap {
  const events = (batch["events"] as readonly SimMap[]).flatMap((event) => {
    const { ref, snapshot } = event as { readonly ref: string; readonly snapshot?: SimMap };
    if (snapshot === undefined) return [event];
    const cls = String(snapshot["type"]).replace(/^record:/, "");
    const told = faults.damagedRecords(cls, { [ref]: snapshot["value"] ?? null })[ref];
    return told === undefined ? [] : [{ ...event, snapshot: { ...snapshot, value: told } }];
  });
  return { ...batch, events };
}

interface Base {
  readonly clock: VirtualClock;
  readonly seed: number;
  readonly profile: ServerProfile | null;
}

function base(options: SimulatedPoolOptions): Base {
  const start = options.startMs === undefined ? {} : { startMs: options.startMs };
  const clock = new VirtualClock(
    options.manualClock === true ? { manual: true, ...start } : { speed: options.speed ?? 1, ...start },
  );
  return { clock, seed: options.seed ?? 1, profile: options.profile ?? null };
}
