/**
 * What is done next with each host, and why: one step of the policy. Pure; the caller carries the steps out, keeps the
 * states (`states.ts`) and asks again with the next snapshot.
 *
 * In this order: hosts that come back or do not; what forbids everything; the hours; load that what is on does not hold (a
 * drain is taken back, then sleepers are woken); hosts past a limit; a drain that goes on; balance rules; and last, one
 * more host to sleep. Down slowly, up fast.
 */

import { takesPart } from "../domain/deviation.ts";
import type { HostState, HostStates } from "../domain/hostPower.ts";
import type { Host, Snapshot, Uuid } from "../domain/pool.ts";
import { figure, plural, span } from "../text/format.ts";
import { balanceNeed, brokenPairs, describePair, longestAwakeFirst } from "./balance.ts";
import { chooseDrain } from "./down.ts";
import { atMean, type Expectation, expectationOf, sized } from "./expected.ts";
import { describePassed, passedLimits } from "./limits.ts";
import { averaged, covers, lately, risingBy, type TimedSnapshot, totals } from "./load.ts";
import { type Lack, lacksOf, type Rise, sizeOf, wakersOf } from "./need.ts";
import type { GreenOptions } from "./options.ts";
import { nameOf } from "./packing.ts";
import { consolidated, type Drain, planDrain } from "./plan.ts";
import { hostsIn, type Known, powerTransitions } from "./powerTransitions.ts";
import { planRelief, type Relief } from "./relief.ts";
import { describeLimit, type GreenGoal, maySleep } from "./rule.ts";
import { type PowerStep, settled, stateOf, vmsOn, withEnabled, withHosts } from "./states.ts";

export interface PowerView {
  /** Seconds, of the clock of states and snapshots; and the minute of the pool's day. */
  readonly now: number;
  readonly minuteOfDay: number;
  /** Oldest first; the last one is the pool as it is. At least one. */
  readonly snapshots: readonly TimedSnapshot[];
  /** As `observe` gives them for the last snapshot. */
  readonly states: HostStates;
  /** Why nothing may be begun now, or null. */
  readonly hold: string | null;
}

export interface Decision {
  readonly steps: readonly PowerStep[];
  /** Moves that bring hosts back under a limit. */
  readonly reliefs: readonly Relief[];
  /** Why these steps and no others, in one sentence. */
  readonly reason: string;
}

export function decide(view: PowerView, rule: GreenGoal, options: GreenOptions): Decision {
  return new PolicyTurn(view, rule, options).decide();
}

/** Dimensions that lack room in a pool under a rule when the load rises by so much. */
interface Lacking {
  readonly pool: Snapshot;
  readonly rule: GreenGoal;
  readonly rise: Rise;
  readonly lacks: readonly Lack[];
  readonly soon: boolean;
}

class PolicyTurn {
  readonly #view: PowerView;
  readonly #rule: GreenGoal;
  readonly #options: GreenOptions;
  readonly #newest: Snapshot;
  readonly #hosts: ReadonlyMap<Uuid, Host>;
  readonly #up: readonly TimedSnapshot[];
  readonly #steps: PowerStep[] = [];
  #expectation: Expectation | null = null;

  constructor(view: PowerView, rule: GreenGoal, options: GreenOptions) {
    const last = view.snapshots.at(-1);
    if (last === undefined) throw new Error("no snapshot of the pool");
    this.#view = view;
    this.#rule = rule;
    this.#options = options;
    this.#newest = last.snapshot;
    this.#hosts = new Map(last.snapshot.hosts.map((host) => [host.uuid, host]));
    this.#up = lately(view.snapshots, view.now, options.upWindowSeconds);
  }

  decide(): Decision {
    this.#steps.push(
      ...powerTransitions(this.#newest, this.#view.states, this.#view.now, this.#options.wakeSeconds),
    );
    const closed = this.#closed();
    if (closed !== null) return closed;
    const drains = this.#goingOn();
    if ("reason" in drains) return drains;
    const pool = this.#poolAfter(drains);
    return (
      this.#load(pool, drains) ?? this.#relieve(pool, drains) ?? this.#finish(drains) ?? this.#down(pool)
    );
  }

  #of<K extends HostState["kind"]>(kind: K): readonly Known<K>[] {
    return hostsIn(this.#view.states, kind);
  }

  #say(reason: string, reliefs: readonly Relief[] = []): Decision {
    return { steps: this.#steps, reliefs, reason };
  }

  #name(uuid: Uuid): string {
    const host = this.#hosts.get(uuid);
    return host === undefined ? uuid : nameOf(host);
  }

  /** What forbids everything, or the hours: drains are taken back; outside the hours hosts are woken one by one. */
  #closed(): Decision | null {
    const { hold, minuteOfDay } = this.#view;
    const { rollingUpgrade, wlbEnabled } = this.#newest.pool;
    const gate =
      hold ??
      (rollingUpgrade
        ? "a rolling upgrade goes on"
        : wlbEnabled
          ? "Workload Balancing is on in this pool"
          : null);
    if (gate !== null) {
      this.#takeBack(gate);
      return this.#say(`nothing is begun: ${gate}`);
    }
    if (maySleep(this.#rule, minuteOfDay)) return null;
    const reason = "it is outside the rule's hours";
    this.#takeBack(reason);
    const back = withEnabled(this.#newest, new Set(this.#of("draining").map(({ uuid }) => uuid)));
    const pool = withHosts(this.#averaged(settled(back)), this.#waking());
    const loaded = this.#load(pool, new Map());
    if (loaded !== null) return loaded;
    const [next] = this.#sleepers(0).toSorted((a, b) => sizeOf(b) - sizeOf(a));
    if (next !== undefined && this.#waking().length === 0) {
      this.#steps.push({ kind: "wake", host: next.uuid, reason });
    }
    return this.#say(reason);
  }

  #takeBack(reason: string): boolean {
    const draining = this.#of("draining");
    for (const { uuid } of draining) this.#steps.push({ kind: "take back", host: uuid, reason });
    return draining.length > 0;
  }

  /** Hosts that were woken and have not been given up in this turn. */
  #waking(): readonly Host[] {
    const done = new Set(this.#steps.filter(({ kind }) => kind === "mark failed").map(({ host }) => host));
    return this.#of("waking").flatMap(({ uuid, state }) => (done.has(uuid) ? [] : [state.empty]));
  }

  /** Hosts that are asleep (and down) for so long, longest first. */
  #sleepers(seconds: number): readonly Host[] {
    const asleep = this.#of("asleep").filter(
      ({ uuid, state }) => this.#hosts.get(uuid)?.live !== true && this.#view.now - state.since >= seconds,
    );
    return longestAwakeFirst(asleep.map(({ state }) => ({ host: state.empty, since: state.since })));
  }

  /** What is left of each drain; or the decision to take one back. */
  #goingOn(): ReadonlyMap<Uuid, Drain> | Decision {
    const drains = new Map<Uuid, Drain>();
    for (const { uuid, state } of this.#of("draining")) {
      const drain = this.#restOf(uuid);
      const why = this.#whyBack(uuid, state, drain);
      if (why === null && drain !== null) {
        drains.set(uuid, drain);
        continue;
      }
      const reason = why ?? "nothing is known of what is left";
      this.#steps.push({ kind: "take back", host: uuid, reason });
      return this.#say(`host ${this.#name(uuid)} is taken back: ${reason}`);
    }
    return drains;
  }

  #whyBack(
    uuid: Uuid,
    { since, progressAt }: Known<"draining">["state"],
    drain: Drain | null,
  ): string | null {
    const { stallSeconds } = this.#options;
    const host = this.#hosts.get(uuid);
    const left = vmsOn(this.#newest, uuid).length;
    const stalled = this.#view.now - progressAt;
    if (host?.live !== true) return "the pool says it is not alive";
    if (host.enabled && this.#view.now - since > stallSeconds) return "somebody enabled it";
    if (stalled > stallSeconds) {
      return left === 0
        ? `it has been empty for ${span(stalled, "rough")} and could not be put to sleep`
        : `no VM has left it for ${span(stalled, "rough")}; ${plural(left, "VM is", "VMs are")} still there`;
    }
    return drain === null
      ? `its ${plural(left, "VM finds", "VMs find")} no place within the limits any more`
      : null;
  }

  /** What must still leave the host, migrations that go on not counted; null where it finds no place. */
  #restOf(uuid: Uuid): Drain | null {
    if (vmsOn(this.#newest, uuid).length === 0) return { host: uuid, moves: [], copyBytes: 0, seconds: 0 };
    const pool = this.#atMean(settled(withEnabled(this.#newest, new Set([uuid]))));
    // It was begun with room to spare: what fits by its means may go on.
    return planDrain(pool, this.#rule, { ...this.#options, fillFraction: 1 }, uuid);
  }

  /** The pool for arrivals, with so many standard deviations of each host's load kept free. */
  #sized(pool: Snapshot, deviations: number): Snapshot {
    return sized(pool, this.#expected(), deviations);
  }

  #atMean(pool: Snapshot): Snapshot {
    return atMean(pool, this.#expected());
  }

  #expected(): Expectation {
    this.#expectation ??= expectationOf(this.#newest, this.#view.snapshots, this.#up);
    return this.#expectation;
  }

  #averaged(pool: Snapshot): Snapshot {
    return averaged(pool, this.#up);
  }

  /** The pool by the average of the short window, drains done and woken hosts there. */
  #poolAfter(drains: ReadonlyMap<Uuid, Drain>): Snapshot {
    const here = this.#averaged(settled(withEnabled(this.#newest, new Set(drains.keys()))));
    const pool = consolidated(here, [...drains.values()]);
    return withHosts(pool, this.#waking());
  }

  /** Load that what is on does not hold, now or soon. */
  #load(pool: Snapshot, drains: ReadonlyMap<Uuid, Drain>): Decision | null {
    const { wakeFraction } = this.#options;
    const tooFew = this.#tooFew(pool);
    const { pool: held, rule, rise, lacks, soon: ahead } = this.#lacking(pool);
    const [lack] = lacks;
    if (lack === undefined && tooFew === null) return null;
    const soon = ahead && tooFew === null;
    const reason = tooFew ?? (lack === undefined ? "" : this.#lackText(lack, soon));
    if (drains.size > 0 && this.#takeBack(reason)) return this.#say(`a drain is taken back: ${reason}`);
    const sleepers = this.#sleepers(soon ? this.#options.minimumAsleepSeconds : 0);
    const most = this.#options.wakesAtOnce - this.#waking().length;
    const woken = wakersOf(held, rule, this.#options, wakeFraction, rise, sleepers, Math.max(0, most));
    for (const { uuid } of woken) this.#steps.push({ kind: "wake", host: uuid, reason });
    if (woken.length > 0) return this.#say(reason);
    // Nobody to wake: hosts past a limit are still relieved, and nothing is put to sleep.
    return this.#relieve(pool, drains) ?? this.#say(`${reason}; no host that may be woken is left`);
  }

  /** What is lacking, by which view of the pool; `soon` where it only will be. */
  #lacking(pool: Snapshot): Lacking {
    const { wakeFraction } = this.#options;
    const lacks = (of: Omit<Lacking, "lacks" | "soon">, soon: boolean): Lacking => ({
      ...of,
      lacks: lacksOf(of.pool, of.rule, this.#options, wakeFraction, of.rise),
      soon,
    });
    const still = () => 0;
    const lasting = lacks({ pool: this.#atMean(pool), rule: this.#rule, rise: still }, false);
    if (lasting.lacks.length > 0) return lasting;
    // The spare hosts may carry a burst of minutes; what is expected to last, or rises, is held without them.
    const bursting = lacks({ pool, rule: { ...this.#rule, spareHosts: 0 }, rise: still }, false);
    if (bursting.lacks.length > 0) return bursting;
    const rise = this.#rise();
    const isRising = this.#rule.limits.some((limit) => rise(describeLimit(limit)) > 0);
    return isRising ? lacks({ pool, rule: this.#rule, rise }, true) : { ...lasting, soon: true };
  }

  #tooFew(pool: Snapshot): string | null {
    const on = pool.hosts.filter(takesPart).length;
    const least = Math.max(1, this.#options.minimumHostsOn, this.#rule.spareHosts + 1);
    return on < least && this.#of("asleep").length > 0
      ? `${plural(on, "host is", "hosts are")} on, fewer than ${least}`
      : null;
  }

  /** How much each limit's load is going to rise until a host would be awake. */
  #rise(): Rise {
    const { forecastSeconds } = this.#options;
    const window = lately(this.#view.snapshots, this.#view.now, 3 * this.#options.upWindowSeconds);
    const rising = new Map(
      this.#rule.limits.flatMap((limit): [string, number][] =>
        limit.kind === "below"
          ? [[describeLimit(limit), risingBy(totals(window, limit.subject), forecastSeconds)]]
          : [],
      ),
    );
    return (dimension) => rising.get(dimension) ?? 0;
  }

  #lackText({ dimension, part }: Lack, soon: boolean): string {
    const { spareHosts } = this.#rule;
    const when = soon
      ? `is rising and in ${span(this.#options.forecastSeconds, "rough")} needs`
      : `of the last ${span(this.#options.upWindowSeconds, "rough")} needs`;
    const spare = spareHosts === 0 ? "" : `, ${spareHosts} spare not counted`;
    const have = Number.isFinite(part) ? `${figure(part * 100, 1)} %` : "more than nothing";
    return `${dimension}: the load ${when} ${have} of what the hosts that are on may give${spare}`;
  }

  /** Hosts near or past a limit though there is room elsewhere; where there is none for them, a sleeper is woken. */
  #relieve(pool: Snapshot, drains: ReadonlyMap<Uuid, Drain>): Decision | null {
    const waking = new Set(this.#waking().map(({ uuid }) => uuid));
    const here = { ...pool, hosts: pool.hosts.filter(({ uuid }) => !waking.has(uuid) && !drains.has(uuid)) };
    const expected = this.#atMean(here);
    // A burst of minutes is over before a migration has helped, and one that is over needs no help though its mean is high.
    const past = new Set(
      passedLimits(here, this.#rule, this.#options.wakeFraction).map(({ host }) => host.uuid),
    );
    const lasting = passedLimits(expected, this.#rule, this.#options.wakeFraction);
    const passed = lasting.filter(({ host }) => past.has(host.uuid));
    const [worst] = passed;
    if (worst === undefined) return null;
    const over = new Set(passed.map(({ host }) => host.uuid));
    const roomy = this.#sized(here, this.#options.deviations.relief);
    const reliefs = planRelief(roomy, this.#rule, { ...this.#options, fillFraction: 1 }, over);
    const sleeper = this.#helper(roomy, over, reliefs);
    if (sleeper !== null) {
      const reason = `${describePassed(worst)}, and no host that is on takes enough of its VMs`;
      if (!this.#takeBack(reason)) this.#steps.push({ kind: "wake", host: sleeper.uuid, reason });
    }
    const useful = reliefs.filter(({ moves }) => moves.length > 0);
    // What nothing can be done about, a VM that is too large for any host, holds nothing else up.
    if (useful.length === 0 && sleeper === null) return null;
    return this.#say(`${describePassed(worst)}: nothing is put to sleep`, useful);
  }

  /** A sleeper with which more of the hosts could be relieved, where some cannot and none is waking yet. */
  #helper(here: Snapshot, over: ReadonlySet<Uuid>, reliefs: readonly Relief[]): Host | null {
    const whole = (all: readonly Relief[]) => all.filter((relief) => relief.whole).length;
    if (whole(reliefs) === reliefs.length || this.#waking().length > 0) return null;
    const options = { ...this.#options, fillFraction: 1 };
    const helps = (host: Host) =>
      whole(planRelief(withHosts(here, [host]), this.#rule, options, over)) > whole(reliefs);
    return this.#sleepers(0).find(helps) ?? null;
  }

  /** A drain goes on, or its host is empty and goes to sleep; one host at a time. */
  #finish(drains: ReadonlyMap<Uuid, Drain>): Decision | null {
    for (const [host, drain] of drains) {
      const left = vmsOn(this.#newest, host).length;
      const reason = left === 0 ? "it is empty" : `${plural(left, "VM is", "VMs are")} still on it`;
      if (left === 0 && this.#hosts.get(host)?.enabled === false)
        this.#steps.push({ kind: "shut down", host, reason });
      else this.#steps.push({ kind: "drain", host, reason, drain });
      return this.#say(`host ${this.#name(host)} is being emptied: ${reason}`);
    }
    const [waking] = this.#waking();
    if (waking !== undefined) return this.#say(`host ${nameOf(waking)} is waking`);
    const stopping = this.#of("asleep").find(({ uuid }) => this.#hosts.get(uuid)?.live === true);
    return stopping === undefined ? null : this.#say(`host ${this.#name(stopping.uuid)} is still going down`);
  }

  #down(pool: Snapshot): Decision {
    const balance = this.#balance(pool);
    if (balance !== null) return balance;
    const { now, snapshots } = this.#view;
    const { downWindowSeconds, windowCover } = this.#options;
    const window = lately(snapshots, now, downWindowSeconds);
    if (!covers(window, now, downWindowSeconds, windowCover)) {
      return this.#say(`the snapshots do not reach over the last ${span(downWindowSeconds, "rough")}`);
    }
    const needed = this.#neededLately();
    if (needed !== null) return this.#say(needed);
    const [rule, options, young, rise] = [this.#rule, this.#options, this.#young(), this.#rise()];
    const sized = (deviations: number) => this.#sized(this.#newest, deviations);
    const seen = { pool: this.#newest, sized, window, recent: this.#up };
    const choice = chooseDrain({ ...seen, rise, rule, options, young });
    if (choice.kind === "drain") {
      const { drain, reason } = choice;
      this.#steps.push({ kind: "drain", host: drain.host, drain, reason });
    }
    return this.#say(choice.reason);
  }

  /** A host that was woken or taken back just now is needed: what was is not over yet. */
  #neededLately(): string | null {
    const { now } = this.#view;
    const since = this.#of("on").filter(({ state }) => now - state.since < this.#options.neededSeconds);
    const [first] = since.toSorted((a, b) => b.state.since - a.state.since);
    if (first === undefined) return null;
    return `host ${this.#name(first.uuid)} was needed ${span(now - first.state.since, "rough")} ago: nothing is put to sleep`;
  }

  #young(): ReadonlyMap<Uuid, string> {
    const { minimumOnSeconds } = this.#options;
    const noted = new Set(this.#steps.map(({ host }) => host));
    return new Map(
      this.#newest.hosts.flatMap(({ uuid }): [Uuid, string][] => {
        const state = stateOf(this.#view.states, uuid);
        const since = noted.has(uuid) || state.kind !== "on" ? this.#view.now : state.since;
        const seconds = this.#view.now - since;
        if (seconds >= minimumOnSeconds) return [];
        return [[uuid, `it has been on for ${span(seconds, "rough")} of ${span(minimumOnSeconds, "rough")}`]];
      }),
    );
  }

  /** Balance goes first; where only a sleeping host cures what every recent snapshot shows broken, it is woken. */
  #balance(pool: Snapshot): Decision | null {
    const need = balanceNeed(pool, this.#options, this.#sleepers(this.#options.minimumAsleepSeconds));
    if (need.kind === "none") return null;
    const reason = describePair(need.pair);
    if (need.kind === "curable") return this.#say(`balance comes first: ${reason}`);
    const lasting = this.#up.every((snapshot) =>
      brokenPairs(averaged(this.#newest, [snapshot]), this.#options).some(
        ({ host, rule }) => host.uuid === need.pair.host.uuid && rule === need.pair.rule,
      ),
    );
    if (!lasting)
      return this.#say(`not in every snapshot of the last minutes, so nothing is woken for it: ${reason}`);
    this.#steps.push({
      kind: "wake",
      host: need.host.uuid,
      reason: `only with it balance can cure ${reason}`,
    });
    return this.#say(`a host is woken for balance: ${reason}`);
  }
}
