/** What the planner is asked and what it answers: plain data, printable and comparable. */
import type { FruitlessSearch, Searched } from "../domain/controlState.ts";
import type { Evaluation } from "../domain/deviation.ts";
import type { Uuid, Vm } from "../domain/pool.ts";
import type { Rule, ServeRule } from "../domain/rule.ts";

/** What is expected to be wanted of the CPUs, in CPUs of the pool's fastest host. */
export interface Demand {
  /** Of each part of the time ahead. */
  readonly means: readonly number[];
  /** Of the mean of one part. */
  readonly variance: number;
}

/** What a plan that serves VMs goes by. */
export interface ServeOptions {
  readonly rule: ServeRule;
  /** What each VM that runs is expected to want; one that is not in it is taken to want what it uses, and stays. */
  readonly demands: ReadonlyMap<Uuid, Demand>;
  /** Gigabytes that a migration counts for beside what it copies; default `migrationGigabytes`. */
  readonly overheadGigabytes?: number;
}

export interface PlanOptions {
  readonly maxMoves: number;
  /** Memory that a destination keeps free beyond what the VM needs. */
  readonly headroomBytes: number;
  /** VMs that this run leaves alone, with the reason. */
  readonly bannedVms: ReadonlyMap<Uuid, string>;
  /** Pairs by `pairKey` that this run does not try (again), with the reason. */
  readonly bannedPairs: ReadonlyMap<string, string>;
  /** Same input and seed, same plan. Default 1. */
  readonly seed?: number;
  /**
   * How much may be spent on the search, in milliseconds of CPU of the machine that the prices in `work.ts` were
   * measured on. It is counted by what is done, not by a clock: the same input gives the same plan. Default 300.
   */
  readonly budgetMs?: number;
  /** Rounds of repair at most. Default: the budget alone ends the search. */
  readonly rounds?: number;
  /** A host that breaks a rule is brought to this part of the threshold, and destinations stay under it. Default 1. */
  readonly targetFraction?: number;
  /** Transfers, coming and going, that one host carries at once. Default 2. */
  readonly transfersPerHost?: number;
  /** Transfers that the pool carries at once. Default: any number. */
  readonly transfersInPool?: number;
  /** What one transfer copies in a second, for the estimate of time. Default 110,000,000. */
  readonly bytesPerSecond?: number;
  /** VMs that carry the same one of these tags stay together where they are together. */
  readonly affinityTags?: readonly string[];
  /** VMs that carry the same one of these tags are spread, as anti-affinity groups are. */
  readonly antiAffinityTags?: readonly string[];
  /** Whether a pair that is above its threshold is no goal yet; it is never made worse. Default: none is. */
  readonly suppressed?: (host: Uuid, rule: Rule) => boolean;
  /**
   * A value, in the rule's unit, at or under which a host breaks nothing; of a chain that of the term at `place` which
   * is compared with the mean. Default: none.
   */
  readonly floors?: (rule: Rule, place: number) => number;
  /** Bytes that a migration copies, memory written meanwhile included; null or by default the VM's `copyBytes`. */
  readonly costOf?: (vm: Vm, source: Uuid) => number | null;
  /**
   * Moves that a host may still take part in, as source or destination; the plan's own included. Default: any number. An
   * evacuation does not heed it.
   */
  readonly movesLeftOf?: (host: Uuid) => number;
  /**
   * The noise of what is measured, percent of a host, or of what a rule allows where that is in no percent: a VM whose
   * part in every rule is less is not moved. Default 0: every VM may be.
   */
  readonly noisePercent?: number;
  /** The last search that found nothing, null where none is known; left out where nobody remembers any. */
  readonly searchedBefore?: FruitlessSearch | null;
  /** Whether it is tried to prove that what the first plans leave must stay, before anything is searched for. Default true. */
  readonly earlyProofs?: boolean;
  /** Two VMs may change places though a rule is worse between the two migrations, where nothing else cures it. */
  readonly momentaryWorsening?: boolean;
  /** How long one migration takes. Default: its bytes by `bytesPerSecond`. */
  readonly secondsOf?: (vm: Vm, source: Uuid, destination: Uuid) => number;
  /** The rule that serves VMs, where one acts. */
  readonly serve?: ServeOptions;
}

/**
 * Why a move is in the plan: it lowers a rule that its source breaks (or broke, and is not down to the aim yet); its
 * leaving makes room for another VM; it waits elsewhere, for its own place or until others have passed; it goes on from
 * where it waited; its source is to be emptied; it, and those that it leaves, get the CPU time that they want; it changes
 * places with another VM, and a rule is worse between the two.
 */
export type Purpose =
  | "relieves"
  | "makes room"
  | "waits elsewhere"
  | "goes on"
  | "evacuates"
  | "serves"
  | "changes places";

/** What a move that serves VMs is worth, with all others of its kind made. */
export interface Served {
  /** CPU-minutes that it saves in the time ahead, what the migration costs taken off. */
  readonly savedMinutes: number;
  /** Minutes by what is copied and what the migration counts for beside that: what the rule's WORTH is held against. */
  readonly perGigabyte: number;
  /** Part of the CPU time it wants that the VM waits for now, percent; null where it is not measured. */
  readonly waitPercent: number | null;
}

/** One migration of the plan, with the figures it was chosen by (in the rule's unit). */
export interface Move {
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
  /**
   * The rule that it relieves; else the one that the room is short of, or that the source is nearest to breaking. In an
   * evacuation the rule that the destination is nearest to, with the mean of the hosts that remain when all is done;
   * null where there is none, and then the figures are 0.
   */
  readonly rule: Rule | null;
  /** Which term of a chain the figures are of; the first where it is not given. */
  readonly term?: number;
  /** What the rule's limit stands above: the mean at the start or at this step, whichever is lower. */
  readonly mean: number;
  readonly sourceBefore: number;
  readonly sourceAfter: number;
  readonly destinationBefore: number;
  readonly destinationAfter: number;
  /** What was counted as its cost; null where nothing is known. */
  readonly copyBytes: number | null;
  readonly purpose: Purpose;
  /** The VM that could not come to the source without this move; null where the move relieves, or one is not meant. */
  readonly makesRoomFor: Uuid | null;
  /** One sentence of why, with names (not escaped) and figures: "xen1 is 22.3 % above the mean of CpuAverage, ..." */
  readonly reason: string;
  /**
   * Earlier moves, by their index, that must have ended before this one may start. All others may run beside it or
   * after it: no order that keeps these waits overfills a host or breaks a rule.
   */
  readonly after: readonly number[];
  /** When the transfer would start and how long it takes, from the start of the plan. */
  readonly startSeconds: number;
  readonly seconds: number;
  /** Of a move that serves VMs. */
  readonly served?: Served;
}

/** What is expected to be wanted of a host's CPUs in the time ahead, and what of it is not served, in CPU-minutes. */
export interface HostForecast {
  readonly host: Uuid;
  /** CPUs that it has, and what is expected to be wanted of them before and after the plan. */
  readonly cpus: number;
  readonly wantedBefore: number;
  readonly wantedAfter: number;
  /** Standard deviation of what is wanted, in CPUs: why a host may be short though less is wanted than it has. */
  readonly spreadBefore: number;
  readonly spreadAfter: number;
  readonly shortageBefore: number;
  readonly shortageAfter: number;
}

/** CPU-minutes that hosts are expected not to serve in the time ahead, before and after a plan. */
export interface ServeForecast {
  readonly rule: ServeRule;
  readonly before: number;
  readonly after: number;
  /** Those that lack some before or after. */
  readonly hosts: readonly HostForecast[];
  /** Those that lack nothing. */
  readonly calm: readonly HostForecast[];
  /** Why hosts still lack some after the plan, the worst first. */
  readonly short: readonly StillShort[];
}

/** A move that would serve VMs and that the plan does not make. */
export interface ServeOffer {
  readonly vm: Uuid;
  readonly destination: Uuid;
  /** CPU-minutes in the time ahead, what the migration costs taken off; below 0 where it costs more than it saves. */
  readonly savedMinutes: number;
  /** What is copied, and what the migration counts for beside that. */
  readonly gigabytes: number;
  readonly overheadGigabytes: number;
  /** Minutes by both together. */
  readonly perGigabyte: number;
}

/** Why nothing more is done for a host that is expected to lack CPUs. */
export interface StillShort {
  readonly host: Uuid;
  /** CPU-minutes that it is expected not to serve when the plan is made. */
  readonly minutes: number;
  /** Of each of its VMs that could go the move that saves most for a gigabyte, the best first. */
  readonly offers: readonly ServeOffer[];
  /** The limit of moves of a run is reached: what is worth it among `offers` follows later. */
  readonly limited: boolean;
  /** The best of those moves that would be worth it and that something forbids, and what; null where none is. */
  readonly forbidden: (ServeOffer & { readonly code: RefusalCode; readonly reason: string }) | null;
  /** What keeps its VMs where they are, or from some of the hosts. */
  readonly refusals: readonly Refusal[];
}

/** What the log of migrations says of a move of a plan for rules. */
export function causeOf({ purpose }: Pick<Move, "purpose">): "rules" | "serve" {
  return purpose === "serves" ? "serve" : "rules";
}

/** What a move does to the values of a rule. */
export type MoveFigures = Pick<
  Move,
  "rule" | "term" | "mean" | "sourceBefore" | "sourceAfter" | "destinationBefore" | "destinationAfter"
>;

/** What kind of obstacle a refusal is, for counting. */
export type RefusalCode =
  | "immovable"
  | "banned"
  | "together"
  | "unknown"
  | "light"
  | "no part"
  | "absent"
  | "bar"
  | "memory"
  | "apart"
  | "rule"
  | "spent"
  | "not enough";

/** Why a VM of a host that breaks a rule does not go to a host; `host` is null when it can go nowhere. */
export interface Refusal {
  readonly vm: Uuid;
  readonly host: Uuid | null;
  readonly code: RefusalCode;
  readonly reason: string;
}

/** Two VMs that could change places, in this order: what it would cure, and what would be worse meanwhile. */
export interface SwapOffer {
  readonly moves: readonly [SwapMove, SwapMove];
  readonly copyBytes: number;
  /** The host that is furthest past a limit when the first has moved and the second has not, by which rule. */
  readonly host: Uuid;
  readonly rule: Rule;
  readonly term?: number;
  /** What it has then, what it may have, and for how long. */
  readonly value: number;
  readonly limit: number;
  readonly seconds: number;
}

export type SwapMove = Pick<Move, "vm" | "source" | "destination">;

/**
 * How far it is proved that a pair stays broken. "impossible": whatever is moved, the VMs that can leave do not suffice, or
 * the other hosts have not the room. "no order": no order of moves which never makes a rule worse clears it, for all was
 * tried or too few VMs can ever leave; where several pairs are left, none leaves fewer.
 */
export type Proof = "impossible" | "no order";

/** A broken (host, rule) pair that the plan leaves, with what stood in the way. */
export interface Unresolved {
  readonly host: Uuid;
  readonly rule: Rule;
  /** Which term of a chain the figures are of: the one that is nearest to being kept. */
  readonly term?: number;
  readonly value: number;
  readonly mean: number;
  /** True when no plan that never makes a rule worse can clear the pair; false when none was found. */
  readonly proved: boolean;
  /** What is proved; null where nothing is. */
  readonly proof: Proof | null;
  /** What would clear it if a rule might be worse for a moment. */
  readonly swap?: SwapOffer;
  /** One sentence: the limit or the VM that is the reason. */
  readonly reason: string;
  readonly refusals: readonly Refusal[];
}

/** How good the plan is known to be. */
export interface Certificate {
  /**
   * "optimal": nothing that never makes a rule worse clears more pairs, and nothing as many at less cost; every pair that is
   * left has its proof. "bounded": see `gap`.
   */
  readonly kind: "optimal" | "bounded";
  /** No plan that clears the pairs that this one clears copies less. */
  readonly boundBytes: number;
  readonly costBytes: number;
  /** (cost - bound) / bound; 0 of an empty plan. */
  readonly gap: number;
}

export interface Plan {
  /** In an order in which every step is possible when the steps before it are done. */
  readonly moves: readonly Move[];
  /** Every rule before the first and after the last move. */
  readonly before: readonly Evaluation[];
  readonly after: readonly Evaluation[];
  readonly unresolved: readonly Unresolved[];
  /** Hosts that count in no mean and receive nothing, with the reason. */
  readonly absent: readonly { readonly host: Uuid; readonly reason: string }[];
  /** True when more moves would follow but for a limit. */
  readonly limited: boolean;
  /** Hosts whose own limit holds moves back; none where the limit of the whole plan does. */
  readonly spent: readonly Uuid[];
  /** Of the whole plan, before the limits. */
  readonly certificate: Certificate;
  /** Estimated time of all moves within the slots, and the least that any schedule of them needs that keeps `after`. */
  readonly seconds: number;
  readonly secondsBound: number;
  /** Rounds of repair that were made. */
  readonly rounds: number;
  /** Whether anything was searched for after the first plans: not where these are proved to leave as little as any. */
  readonly searched: boolean;
  /** Where a rule serves VMs. */
  readonly serve?: ServeForecast;
  /** Where a whole search found nothing for what stays broken: what it hung on. Only beside `PlanOptions.searchedBefore`. */
  readonly fruitless?: Searched;
  /** Where nothing was found, and not searched for whole, since the same had been in vain. */
  readonly searchBefore?: SearchBefore;
}

/** A search that was in vain before, and what was spent on it now. */
export interface SearchBefore {
  readonly secondsAgo: number;
  readonly milliseconds: number;
  readonly wholeMilliseconds: number;
}
