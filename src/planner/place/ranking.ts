/** What a ranking of hosts for one VM is asked and answers: plain data, printable and comparable. Pure. */
import type { Uuid } from "../../domain/pool.ts";
import type { Rule, ServeRule, Term } from "../../domain/rule.ts";
import type { Harm } from "../evacuate/harm.ts";
import type { Demand, PlanOptions, RefusalCode } from "../plan.ts";

/**
 * "keeps": nothing speaks against it; "short": VMs are expected to lack CPUs because it is there, by the rule that serves
 * them; "crowds": a group, companions or the headroom do; "breaks": a rule is broken, or broken worse, because the VM is
 * there. In the order of plans: none breaks a rule, fills a headroom or crowds a group to serve VMs.
 */
export type Grade = "keeps" | "short" | "crowds" | "breaks";

/** What of the planner's options a ranking heeds, and what only it knows. */
export interface RankOptions
  extends Pick<
    PlanOptions,
    "headroomBytes" | "bannedVms" | "bannedPairs" | "affinityTags" | "antiAffinityTags" | "floors" | "serve"
  > {
  /** What the VM is expected to want of the CPUs, where it does not run; null or absent: unknown, counted as nothing. */
  readonly demand?: Demand | null;
  /** What is expected to be wanted of hosts, where that does not follow from the snapshot: moves have changed it. */
  readonly wanted?: ReadonlyMap<Uuid, Demand>;
  /** Hosts that nothing is put on, with the reason. Default: none. */
  readonly bannedHosts?: ReadonlyMap<Uuid, string>;
  /** Why hosts that take no part are not believed, where that is the reason. Default: none. */
  readonly suspects?: ReadonlyMap<Uuid, string>;
  /** Bytes that guests of a host would give up if xapi shrank them, which no plan counts on. Default: none. */
  readonly shrinkableBytes?: ReadonlyMap<Uuid, number>;
  /** The host that the VM is meant to run on (XAPI's VM.affinity); null or absent where it has none. */
  readonly homeServer?: Uuid | null;
}

/** A rule on a host with the VM on it; the figures are those of the term that decides, in the rule's unit. */
export interface RankedRule {
  readonly rule: Rule;
  readonly term: number;
  /** Null where the host's value is unknown. */
  readonly value: number | null;
  /** The pool's mean with the VM on this host; null of an absolute condition, and where no host has a value. */
  readonly mean: number | null;
  /** What the value is held against; null where the host's value is unknown. */
  readonly limit: number | null;
  readonly broken: boolean;
}

/** An anti-affinity group of the VM, and how many other members of it run on the host. */
export interface RankedGroup {
  readonly name: string;
  readonly members: number;
  /** Whether the VM would be one more than a host should hold: one, or the even share where there are more than hosts. */
  readonly crowded: boolean;
}

/** CPU-minutes that a host is expected not to serve in the time ahead, without the VM and with it. */
export interface HostServe {
  readonly shortageBefore: number;
  readonly shortageAfter: number;
}

/** The rule that serves VMs, and what it knows of the VM. */
export interface RankedServe {
  readonly rule: ServeRule;
  /** CPU-minutes that a host may become short by because of the VM: the least that the rule moves anything for. */
  readonly toleratedMinutes: number;
  /** What the VM is expected to want, and its standard deviation, in CPUs; null where unknown: counted as nothing. */
  readonly wantedCpus: number | null;
  readonly spreadCpus: number | null;
}

/** A host that can take the VM. All figures are with the VM on it. */
export interface RankedHost {
  readonly host: Uuid;
  /** 1 for the best; each host has its own. */
  readonly rank: number;
  /**
   * 0 to 100, more is better, never 0: above 60 the host keeps every rule, above 30 none that balances is broken (more)
   * but something else speaks against it, see `grade`; a twentieth of it is what WLB calls stars.
   */
  readonly score: number;
  readonly grade: Grade;
  /** Whether the VM runs there now. */
  readonly isHere: boolean;
  readonly isHomeServer: boolean;
  /** Bytes as xapi counts them: free without the VM, and with it. */
  readonly freeBytes: number;
  readonly freeBytesAfter: number;
  /** Whether less than the headroom is left. */
  readonly isTight: boolean;
  /** Percent of the host's CPUs; null where unknown. */
  readonly cpuPercentAfter: number | null;
  /** vCPUs of running guests in percent of the host's CPUs, whatever they do; null where unknown. */
  readonly vcpuPercentAfter: number | null;
  readonly rules: readonly RankedRule[];
  /** Rules that some host breaks, or breaks worse, because the VM is there; nearly always this host itself. */
  readonly harms: readonly Harm[];
  /** Null without a rule that serves VMs, and where it is not known how many CPUs the host has. */
  readonly serve: HostServe | null;
  readonly groups: readonly RankedGroup[];
  /** Tags that keep VMs together and that the VM shares with VMs of this host, and with VMs of other hosts only. */
  readonly companions: readonly string[];
  readonly parted: readonly string[];
  /** One sentence each, not escaped, the most important first: why it stands where it stands. At least one. */
  readonly reasons: readonly string[];
}

/** A host that cannot take the VM. */
export interface RefusedHost {
  readonly host: Uuid;
  readonly code: RefusalCode;
  /** In words, with figures, not escaped. */
  readonly reason: string;
}

/** Every host of the snapshot once: in `places` or in `refused`. */
export interface Ranking {
  /** Null of a VM that is a size only. */
  readonly vm: Uuid | null;
  /** The host that it runs on; null where it does not run. */
  readonly source: Uuid | null;
  /** What a host must have free, as xapi counts it; null where unknown, and then every other host refuses. */
  readonly needBytes: number | null;
  /** Best first. */
  readonly places: readonly RankedHost[];
  /** By uuid. */
  readonly refused: readonly RefusedHost[];
  /** Null where no rule serves VMs. */
  readonly serve: RankedServe | null;
  /** Terms of rules in which the VM's part is unknown: it was counted as nothing there. */
  readonly uncounted: readonly Term[];
}
