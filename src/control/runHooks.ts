/** What hooks are asked and told by a run of xcp-control. */
import type { Gate } from "../domain/gate.ts";
import { moveJson } from "../explain/planJson.ts";
import { moveLine } from "../explain/report.ts";
import type { HookFacts } from "../hooks/events.ts";
import type { Hooks } from "../hooks/hooks.ts";
import type { Move } from "../planner/plan.ts";
import type { PowerStep } from "../power/states.ts";
import { plural } from "../text/format.ts";
import type { Names } from "../text/names.ts";

/** What is about to be done. */
export interface Intended {
  readonly moves: readonly Move[];
  /** Steps with hosts. */
  readonly steps: readonly Pick<PowerStep, "kind" | "host" | "reason">[];
}

/** Whether the step is more than bookkeeping. */
export function isForPool({ kind }: Pick<PowerStep, "kind">): boolean {
  return kind !== "note on" && kind !== "mark failed";
}

export class RunHooks {
  readonly #hooks: Hooks;
  readonly #stop: AbortSignal;
  /** What is known of the moves that were begun, by VM. */
  readonly #moves = new Map<string, HookFacts["facts"] & object>();
  /** Warnings of this run, to be told at its end where they are news. */
  readonly warnings: string[] = [];

  /** `stop` ends the run: nobody is asked any more. */
  constructor(hooks: Hooks, stop: AbortSignal) {
    this.#hooks = hooks;
    this.#stop = stop;
  }

  /** The gate that a hook's no is; null where all agree, or there is nothing to ask about. `lost` is the lease's. */
  async beforePlan({ moves, steps }: Intended, names: Names, lost: AbortSignal): Promise<Gate | null> {
    const parts = [
      ...(moves.length === 0 ? [] : [plural(moves.length, "move")]),
      ...(steps.length === 0 ? [] : [plural(steps.length, "step with a host", "steps with hosts")]),
    ];
    if (parts.length === 0) return null;
    const detail = {
      moves: moves.map((move) => moveJson(move, names)),
      steps: steps.map(({ kind, host, reason }) => ({
        step: kind,
        host,
        hostName: names.exact(host),
        reason,
      })),
    };
    const facts = { moves: moves.length, steps: steps.length };
    const text = `about to do: ${parts.join(", ")}`;
    const no = await this.#hooks.ask("before-plan", { text, facts, detail }, this.#until(lost));
    if (no === null) return null;
    return {
      code: "hook",
      measured: no,
      limit: "every before-plan hook agrees",
      advice: "see that hook, in the folder that HooksFolder names",
    };
  }

  /** Why the move must not be made; null where all agree. */
  async beforeMove(move: Move, names: Names, lost: AbortSignal): Promise<string | null> {
    const facts = {
      vmUuid: move.vm,
      vmName: names.exact(move.vm) ?? null,
      fromUuid: move.source,
      fromName: names.exact(move.source) ?? null,
      toUuid: move.destination,
      toName: names.exact(move.destination) ?? null,
    };
    this.#moves.set(move.vm, facts);
    const detail = { move: moveJson(move, names) };
    return this.#hooks.ask("before-move", { text: moveLine(move, names), facts, detail }, this.#until(lost));
  }

  /** Hears what the run says, and tells those of it that hooks are for. */
  readonly heard = (event: string, text: string, detail: object): void => {
    if (event === "warning") this.warnings.push(text);
    if (event === "host" || event === "alarm")
      this.#tellHost(event, text, detail as Readonly<Record<string, unknown>>);
    if (event === "result") this.#tellMove(text, detail as Readonly<Record<string, unknown>>);
  };

  #tellMove(text: string, detail: Readonly<Record<string, unknown>>): void {
    const outcome = detail["outcome"] as { readonly kind: string; readonly reason?: string };
    const facts = {
      ...this.#moves.get(String(detail["vm"])),
      result: outcome.kind,
      reason: outcome.reason ?? null,
    };
    this.#hooks.tell("after-move", { text, facts, detail: { result: { ...detail, ...facts } } });
    if (outcome.kind === "lost") this.#hooks.tell("on-alarm", { text, facts, detail: {} });
  }

  #tellHost(event: string, text: string, detail: Readonly<Record<string, unknown>>): void {
    const end = detail["end"] as { readonly kind: string } | undefined;
    const facts = {
      hostUuid: String(detail["host"]),
      step: String(detail["step"]),
      result: end?.kind ?? null,
    };
    this.#hooks.tell("on-host-power", { text, facts, detail: { host: detail } });
    if (event === "alarm") this.#hooks.tell("on-alarm", { text, facts, detail: {} });
  }

  #until(lost: AbortSignal): AbortSignal {
    return AbortSignal.any([this.#stop, lost]);
  }
}
