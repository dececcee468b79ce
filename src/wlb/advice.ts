/**
 * The present plan in the form of recommendations: what a run of xcp-control would do next, one step a VM, in words that
 * XenCenter knows. Pure.
 */
import type { Host, Snapshot, Uuid } from "../domain/pool.ts";
import { isSingle, type Rule, termsOf } from "../domain/rule.ts";
import type { Move } from "../planner/plan.ts";
import { hostsAfter } from "../planner/tell/outcome.ts";
import type { Decision } from "../power/policy.ts";
import { vmsOn } from "../power/states.ts";
import type { ReasonWord, Severity } from "../wlbProtocol/answer.ts";

/** A move without its number. */
export interface MoveStep {
  readonly kind: "move";
  readonly vm: Uuid;
  readonly from: Uuid;
  readonly to: Uuid;
  readonly reason: ReasonWord;
  /** In a sentence, with figures; for the log of migrations. */
  readonly text: string;
}

/** A host to switch, without its number. */
export interface HostStep {
  readonly kind: "power";
  readonly host: Uuid;
  readonly reason: "PowerOn" | "PowerOff";
  readonly text: string;
  /** The host as it is when its VMs are gone, to be remembered while it sleeps; null beside "PowerOn". */
  readonly empty: Host | null;
}

export type AdviceStep = MoveStep | HostStep;

/** The plan of one collection; moves come first. */
export interface PlannedAdvice {
  readonly collectionId: number;
  readonly severity: Severity;
  readonly steps: readonly AdviceStep[];
  /** Why there are no steps, where a gate is the reason. */
  readonly gate: string | null;
}

/** The moves that balance, up to where a VM would be moved a second time: the list is a map by VM. */
export function balancingSteps(moves: readonly Move[]): MoveStep[] {
  return untilTwice(moves).map((move) => ({
    kind: "move",
    vm: move.vm,
    from: move.source,
    to: move.destination,
    reason: reasonWord(move.rule),
    text: move.reason,
  }));
}

/** Every prefix of a plan is possible; one that leaves out the second move of a VM, and what comes after it, is too. */
function untilTwice(moves: readonly Move[]): readonly Move[] {
  const movesAgain = (move: Move, index: number) => moves.slice(index + 1).some(({ vm }) => vm === move.vm);
  const waits = moves.findIndex(movesAgain);
  if (waits > 0) return moves.slice(0, waits);
  const seen = new Set<Uuid>();
  const twice = moves.findIndex(({ vm }) => {
    if (seen.has(vm)) return true;
    seen.add(vm);
    return false;
  });
  return twice < 0 ? moves : moves.slice(0, twice);
}

const words: Readonly<Record<string, ReasonWord>> = {
  CpuAverage: "Cpu",
  VcpuCount: "Cpu",
  CpuWait: "Cpu",
  OccupiedMemoryMb: "Memory",
  MemoryFreeMb: "Memory",
  PifEth0RxKb: "NetworkRead",
  PifEth0TxKb: "NetworkWrite",
  loadavg: "LoadAverage",
};

/** The word for what a rule compares; of a chain its first term that there is a word for. */
export function reasonWord(rule: Rule | null): ReasonWord {
  if (rule === null) return "None";
  if (isSingle(rule)) return words[rule.subject] ?? "None";
  for (const { subjects } of termsOf(rule)) {
    const found = new Set(subjects.map((subject) => words[subject]));
    const [only] = found;
    if (found.has("NetworkRead") && found.has("NetworkWrite")) return "Network";
    if (found.size === 1 && only !== undefined) return only;
  }
  return "None";
}

/**
 * What green rules ask for: VMs off a host that is to sleep, with the host itself where it will be empty then, and hosts
 * that are to be woken. `moves` are those of the decision in the pool `snapshot`.
 */
export function consolidatingSteps(
  decision: Decision,
  moves: readonly Move[],
  snapshot: Snapshot,
): { readonly moves: readonly MoveStep[]; readonly power: readonly HostStep[] } {
  const consolidating = untilTwice(moves);
  const after = new Map(hostsAfter(snapshot, consolidating).map((host) => [host.uuid, host]));
  const leaves = new Set(consolidating.map(({ vm }) => vm));
  const steps = consolidating.map(
    (move): MoveStep => ({
      kind: "move",
      vm: move.vm,
      from: move.source,
      to: move.destination,
      reason: "Consolidate",
      text: move.reason,
    }),
  );
  const power = decision.steps.flatMap(({ kind, host, reason: text }): HostStep[] => {
    if (kind === "wake") return [{ kind: "power", host, reason: "PowerOn", text, empty: null }];
    const isEmptied =
      kind === "shut down" || (kind === "drain" && vmsOn(snapshot, host).every((vm) => leaves.has(vm)));
    const empty = after.get(host) ?? null;
    return isEmptied ? [{ kind: "power", host, reason: "PowerOff", text, empty }] : [];
  });
  return { moves: steps, power };
}

/** How bad things are that the plan mends. */
export function severityOf(steps: readonly AdviceStep[], hosts: readonly Host[]): Severity {
  const sources = new Set(steps.flatMap((step) => (step.kind === "move" ? [step.from] : [])));
  if (steps.every((step) => step.kind === "power" || step.reason === "Consolidate")) return "Low";
  const busiest = hosts.filter(({ uuid }) => sources.has(uuid)).map(({ cpuAverage }) => cpuAverage ?? 0);
  const most = Math.max(0, ...busiest);
  return most >= 90 ? "Critical" : most >= 75 ? "High" : "Medium";
}

/** Whether two plans ask for the same. */
export function sameSteps(a: readonly AdviceStep[], b: readonly AdviceStep[]): boolean {
  const keys = (steps: readonly AdviceStep[]) =>
    steps.map((step) =>
      step.kind === "move"
        ? `${step.vm} ${step.from} ${step.to} ${step.reason}`
        : `${step.host} ${step.reason}`,
    );
  return keys(a).join("\n") === keys(b).join("\n");
}
