/** Why VMs were left waiting, by what a policy had seen, decided and set going when they did. */
import type { Snapshot, Uuid } from "../../../src/domain/pool.ts";
import type { Decide } from "../../../src/rehearse/decide.ts";

/** In the order in which they are looked for: a minute of waiting counts under the first that holds. */
export const causes = [
  /** All VMs together want more than all hosts have: no placement helps. */
  "beyond the pool",
  /** A VM wants more than a whole host. */
  "beyond a host",
  /** No more than copying takes on the host. */
  "copying",
  /** A VM is just leaving the host. */
  "relief under way",
  /** The newest run could not see it: the host was not short yet. */
  "since the last run",
  /** As before, and migrations have held up the next run. */
  "next run held up",
  /** The newest run saw it, and a gate kept it from acting. */
  "gate",
  /** It planned to take a VM from the host, which has not begun yet. */
  "planned",
  /** It saw it and planned nothing for the host. */
  "left so",
] as const;

export type Cause = (typeof causes)[number];

interface LastRun {
  readonly seconds: number;
  /** Hosts that were short then. */
  readonly short: ReadonlySet<Uuid>;
  readonly isGated: boolean;
  readonly sources: ReadonlySet<Uuid>;
}

/** Counts the CPU-minutes that VMs wanted and did not get, moment by moment, by cause. */
export class StarvedCauses {
  readonly minutes = new Map<Cause, number>(causes.map((cause) => [cause, 0]));
  readonly #cpusOfTransfer: number;
  readonly #everySeconds: number;
  #short: ReadonlyMap<Uuid, number> = new Map();
  #run: LastRun = { seconds: Number.NEGATIVE_INFINITY, short: new Set(), isGated: false, sources: new Set() };
  #last: { readonly truth: Snapshot; readonly seconds: number } | null = null;

  /** @param everySeconds from one run to the next where nothing holds it up. */
  constructor(cpusOfTransfer: number, everySeconds: number) {
    this.#cpusOfTransfer = cpusOfTransfer;
    this.#everySeconds = everySeconds;
  }

  /** What VMs want and where they are, from `seconds` on. */
  see(truth: Snapshot, seconds: number): void {
    if (this.#last !== null) this.#count(this.#last.truth, this.#last.seconds, seconds);
    this.#last = { truth, seconds };
    this.#short = new Map(this.#hosts(truth).map(({ uuid, wanted, cpus }) => [uuid, wanted - cpus]));
  }

  /** `decide`, listened to. */
  listening(decide: Decide): Decide {
    return (input) => {
      const decision = decide(input);
      this.#run = {
        seconds: this.#last?.seconds ?? 0,
        short: new Set([...this.#short].filter(([, by]) => by > 0).map(([uuid]) => uuid)),
        isGated: decision.gate !== null,
        sources: new Set(decision.moves.map(({ source }) => source)),
      };
      return decision;
    };
  }

  #hosts(truth: Snapshot) {
    const vms = new Map(truth.vms.map((vm) => [vm.uuid, vm]));
    const hosts = new Map(
      truth.hosts.map(({ uuid, cpuNum }) => [
        uuid,
        { uuid, cpus: cpuNum ?? 0, wanted: 0, beyond: 0, copies: 0, leaving: 0 },
      ]),
    );
    for (const { vmUuid, hostUuid } of truth.placements) {
      const [vm, host] = [vms.get(vmUuid), hosts.get(hostUuid)];
      if (vm === undefined || host === undefined) continue;
      const wanted = ((vm.vcpuAverage ?? 0) * (vm.vcpuNum ?? 0)) / 100;
      host.wanted += wanted;
      host.beyond += Math.max(0, wanted - host.cpus);
      if (vm.migratingTo === null) continue;
      host.copies += this.#cpusOfTransfer;
      host.leaving++;
      const to = hosts.get(vm.migratingTo);
      if (to !== undefined) to.copies += this.#cpusOfTransfer;
    }
    return [...hosts.values()];
  }

  #count(truth: Snapshot, from: number, to: number): void {
    const hosts = this.#hosts(truth);
    const minutes = (to - from) / 60;
    const sum = (read: (host: (typeof hosts)[number]) => number) =>
      hosts.reduce((all, host) => all + read(host), 0);
    const lacking = sum(({ wanted, copies, cpus }) => Math.max(0, wanted + copies - cpus));
    if (lacking === 0) return;
    const tooLarge = sum(({ beyond }) => beyond);
    const beyond = Math.max(
      0,
      Math.min(
        lacking,
        sum(({ wanted, cpus }) => wanted - cpus),
      ) - tooLarge,
    );
    this.#add("beyond a host", tooLarge * minutes);
    this.#add("beyond the pool", beyond * minutes);
    const rest = 1 - beyond / Math.max(1e-9, lacking - tooLarge);
    for (const host of hosts) {
      const { uuid, wanted, copies, cpus, leaving } = host;
      const short = Math.max(0, wanted + copies - cpus - host.beyond) * rest;
      const copying = Math.min(short, copies);
      this.#add("copying", copying * minutes);
      this.#add(this.#causeOf(uuid, from, leaving > 0), (short - copying) * minutes);
    }
  }

  #causeOf(host: Uuid, seconds: number, isLeft: boolean): Cause {
    if (isLeft) return "relief under way";
    const { short, isGated, sources } = this.#run;
    if (seconds - this.#run.seconds >= this.#everySeconds) return "next run held up";
    if (!short.has(host)) return "since the last run";
    if (isGated) return "gate";
    return sources.has(host) ? "planned" : "left so";
  }

  #add(cause: Cause, minutes: number): void {
    this.minutes.set(cause, (this.minutes.get(cause) ?? 0) + minutes);
  }
}
