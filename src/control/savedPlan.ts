/**
 * A plan in a file: made for a person to review and for a change-management system to keep, and carried out later only
 * if the pool is still as it has it. This is its format: what is written, and what is read back. No IO.
 */
import { createHash } from "node:crypto";
import type { Assessment } from "../decide/assess.ts";
import { absence, takesPart } from "../domain/deviation.ts";
import { asUuid, type Snapshot, type StoredSnapshot, type Uuid } from "../domain/pool.ts";
import type { Rule } from "../domain/rule.ts";
import { moveJson } from "../explain/planJson.ts";
import { moveLine } from "../explain/report.ts";
import type { Move, Plan, Purpose } from "../planner/plan.ts";
import { ruleFromObject, ruleObject } from "../rules/json.ts";
import { printServeRule, ruleTitle } from "../rules/print.ts";
import { Names } from "../text/names.ts";

/** What is read back of a file; the rest is for people. */
export interface SavedPlan {
  readonly savedAt: string;
  readonly savedBy: string;
  readonly pool: { readonly uuid: Uuid; readonly name: string };
  readonly collection: number;
  readonly rules: readonly Rule[];
  /** The rule that serves VMs, as CREATE RULE reads it; null where none acted. */
  readonly serving: string | null;
  /** The newest change of rules that they have seen; null in files of before. */
  readonly ruleRevision: number | null;
  readonly hosts: readonly SavedHost[];
  readonly moves: readonly SavedMove[];
}

export interface SavedHost {
  readonly uuid: Uuid;
  readonly name: string;
  readonly takesPart: boolean;
  /** VMs that were on it, and a digest of which. */
  readonly vms: number;
  readonly placements: string;
}

export interface SavedMove {
  readonly vm: Uuid;
  readonly vmName: string;
  readonly from: Uuid;
  readonly fromName: string;
  readonly to: Uuid;
  readonly toName: string;
  readonly purpose: Purpose;
}

const program = "xcp-balance";
const kind = "plan";
const format = 1;

/** Who saves, and when. */
export interface Saver {
  readonly by: string;
  readonly at: Date;
}

/** The plan as it is written: one object, the digest over all of the rest. */
export function planToSave(
  stored: StoredSnapshot,
  { rules, ruleRevision }: Pick<Assessment, "rules" | "ruleRevision">,
  plan: Plan,
  { by, at }: Saver,
): Readonly<Record<string, unknown>> {
  const { snapshot, collection } = stored;
  const names = new Names(snapshot);
  const { moves, certificate, seconds, secondsBound, limited } = plan;
  const content = {
    program,
    kind,
    format,
    savedAt: at.toISOString(),
    savedBy: by,
    pool: { uuid: snapshot.pool.uuid, name: snapshot.pool.name },
    collection: collection.id,
    collectedAt: collection.finishedAt.toISOString(),
    ...(ruleRevision === undefined ? {} : { ruleRevision }),
    rules: rules.map(ruleObject),
    ...(plan.serve === undefined ? {} : { serving: printServeRule(plan.serve.rule) }),
    hosts: savedHosts(snapshot),
    moves: moves.map((move) => savedMove(move, names)),
    totals: {
      moves: moves.length,
      copyBytes: moves.reduce((sum, { copyBytes }) => sum + (copyBytes ?? 0), 0),
      seconds,
      secondsBound,
      certificate,
      limited,
    },
    unresolved: plan.unresolved.map(({ host, rule, value, mean, reason }) => ({
      host,
      hostName: names.exact(host),
      subject: ruleTitle(rule),
      value,
      mean,
      reason,
    })),
  };
  return { ...content, digest: digestOf(content) };
}

/** Each host with whether it takes part, and a digest of the VMs on it. */
export function savedHosts(snapshot: Snapshot): readonly SavedHost[] {
  const vmsOf = new Map<Uuid, Uuid[]>(snapshot.hosts.map(({ uuid }) => [uuid, []]));
  for (const { vmUuid, hostUuid } of snapshot.placements) vmsOf.get(hostUuid)?.push(vmUuid);
  return snapshot.hosts.map((host) => {
    const vms = (vmsOf.get(host.uuid) ?? []).toSorted();
    return {
      uuid: host.uuid,
      name: host.name,
      takesPart: takesPart(host),
      absence: absence(host),
      vms: vms.length,
      placements: digestOf(vms).slice(0, 16),
    };
  });
}

function savedMove(move: Move, names: Names): Readonly<Record<string, unknown>> {
  return { reason: moveLine(move, names), ...moveJson(move, names), after: move.after };
}

/** The digest does not hang on the order of keys or on blanks: systems that keep JSON write it anew. */
function digestOf(value: unknown): string {
  return createHash("sha256").update(canonical(value)).digest("hex");
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(",")}}`;
}

/** Why JSON is no plan of ours, in words. */
export interface NoPlan {
  readonly measured: string;
}

/** What a saved file says, or why it is not to be trusted. */
export function readSavedPlan(value: unknown): SavedPlan | NoPlan {
  if (!isRecord(value) || value["program"] !== program || value["kind"] !== kind) {
    return { measured: "the file holds something else" };
  }
  if (value["format"] !== format) return { measured: `the file has format ${shown(value["format"])}` };
  const { digest, ...content } = value;
  if (digest !== digestOf(content)) return { measured: "the file was changed after it was saved" };
  return (
    parseContent(content) ?? { measured: "the file is damaged: some of it is missing or of the wrong kind" }
  );
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 40);
}

function parseContent(content: Readonly<Record<string, unknown>>): SavedPlan | null {
  const { savedAt, savedBy, pool, collection } = content;
  const ruleRevision = typeof content["ruleRevision"] === "number" ? content["ruleRevision"] : null;
  const rules = listOf(content["rules"], parseRule);
  const serving = typeof content["serving"] === "string" ? content["serving"] : null;
  const hosts = listOf(content["hosts"], parseHost);
  const moves = listOf(content["moves"], parseMove);
  if (typeof savedAt !== "string" || typeof savedBy !== "string" || typeof collection !== "number")
    return null;
  if (!isRecord(pool) || typeof pool["name"] !== "string") return null;
  const uuid = parseUuid(pool["uuid"]);
  if (uuid === null || rules === null || hosts === null || moves === null) return null;
  const named = { uuid, name: pool["name"] };
  return { savedAt, savedBy, pool: named, collection, rules, serving, ruleRevision, hosts, moves };
}

function parseRule(value: unknown): Rule | null {
  return isRecord(value) ? ruleFromObject(value) : null;
}

function parseHost(value: unknown): SavedHost | null {
  if (!isRecord(value)) return null;
  const { name, takesPart: part, vms, placements } = value;
  const uuid = parseUuid(value["uuid"]);
  if (uuid === null || typeof name !== "string" || typeof part !== "boolean") return null;
  if (typeof vms !== "number" || typeof placements !== "string") return null;
  return { uuid, name, takesPart: part, vms, placements };
}

const purposes: readonly Purpose[] = [
  "relieves",
  "makes room",
  "waits elsewhere",
  "goes on",
  "serves",
  "changes places",
];

function parseMove(value: unknown): SavedMove | null {
  if (!isRecord(value)) return null;
  const [vm, from, to] = [value["vm"], value["from"], value["to"]].map(parseUuid);
  const purpose = purposes.find((each) => each === value["purpose"]);
  if (!vm || !from || !to || purpose === undefined) return null;
  const name = (key: string, uuid: Uuid): string => {
    const text = value[key];
    return typeof text === "string" && text !== "" ? text : uuid;
  };
  return {
    vm,
    vmName: name("vmName", vm),
    from,
    fromName: name("fromName", from),
    to,
    toName: name("toName", to),
    purpose,
  };
}

function parseUuid(value: unknown): Uuid | null {
  return typeof value === "string" && /^[\w:-]{1,64}$/.test(value) ? asUuid(value) : null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The list with each entry parsed; null where it is none or one of them is wrong. */
function listOf<T>(value: unknown, parse: (entry: unknown) => T | null): readonly T[] | null {
  if (!Array.isArray(value)) return null;
  const parsed = value.map(parse);
  return parsed.includes(null) ? null : (parsed as T[]);
}
