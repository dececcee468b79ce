/**
 * Runs the hooks of a run. Hooks that are asked are waited for and can say no; what cannot be asked has not agreed. Hooks that
 * are told run beside the work, one after the other, and are waited for at the very end, when nothing is held any more.
 */
import type { CalledEnd, CalledOptions } from "../program/childProcess.ts";
import { longest, shorten } from "../text/text.ts";
import {
  type AskedEvent,
  type HookEvent,
  type HookFacts,
  type HookRun,
  hookInput,
  hookVariables,
  type ToldEvent,
} from "./events.ts";
import { type HookFile, type HookFolder, readHookFolder } from "./hookFiles.ts";

export interface HookOptions {
  readonly run: HookRun;
  /** The time that all hooks of one event have together, and the last ones at the end of the run. */
  readonly seconds: number;
  /** What of the program's own environment a hook gets: nothing that could be a password. */
  readonly environment: Readonly<Record<string, string>>;
  readonly runChild: (file: string, options: CalledOptions) => Promise<CalledEnd>;
  /** Tells the operator of hooks that failed or must not be run; not escaped yet. */
  readonly warn: (line: string) => void;
  readonly monotonicMs: () => number;
  readonly now: () => Date;
}

/** More events than that wait for nobody: a hook hangs on each of them. */
const mostWaiting = 1_000;

export class Hooks {
  readonly #folder: HookFolder;
  readonly #options: HookOptions;
  #run: HookRun;
  readonly #waiting: (() => Promise<void>)[] = [];
  #working: Promise<void> | null = null;
  readonly #given = new AbortController();
  #left = 0;

  /** @throws AppError "settings" where the folder cannot be used. */
  constructor(folder: string | null, options: HookOptions) {
    this.#folder = folder === null ? { hooks: [], strangers: [] } : readHookFolder(folder);
    this.#options = options;
    this.#run = options.run;
    for (const name of this.#folder.strangers)
      options.warn(`hook ${name} is not run: its name begins with no event (docs/hooks.md lists them)`);
    for (const { name, refusal } of this.#folder.hooks)
      if (refusal !== null) options.warn(`hook ${name} is not run: ${refusal}`);
  }

  /** Whether anybody is to be asked or told at all. */
  get any(): boolean {
    return this.#folder.hooks.length > 0;
  }

  /** Which pool the run turned out to be about. */
  knowPool(pool: { readonly uuid: string; readonly name: string }): void {
    this.#run = { ...this.#run, poolUuid: pool.uuid, poolName: pool.name };
  }

  /**
   * Asks all hooks of the event, one after the other, within one time limit.
   * @param signal aborted where the answer is not wanted any more; the hook is killed.
   * @returns why not, by the first that says no or cannot be asked; null where all agree.
   */
  async ask(event: AskedEvent, facts: HookFacts, signal: AbortSignal): Promise<string | null> {
    const deadline = this.#options.monotonicMs() + this.#options.seconds * 1000;
    for (const hook of this.#of(event)) {
      if (hook.refusal !== null) return `hook ${hook.name} cannot be asked: ${hook.refusal}`;
      const left = deadline - this.#options.monotonicMs();
      if (left <= 0) return `hook ${hook.name} cannot be asked: those before it took all of HookSeconds`;
      const end = await this.#call(hook, event, facts, left, signal);
      if (end.failure !== null) return `hook ${hook.name}: ${end.failure}`;
      if (end.code !== 0) return `hook ${hook.name}: ${saidBy(end)}`;
    }
    return null;
  }

  /** Has the hooks of the event told, beside the work. */
  tell(event: ToldEvent, facts: HookFacts): void {
    for (const hook of this.#of(event)) {
      if (hook.refusal !== null) continue;
      if (this.#given.signal.aborted || this.#waiting.length >= mostWaiting) {
        this.#left++;
        continue;
      }
      this.#waiting.push(() => this.#tellOne(hook, event, facts));
      this.#working ??= this.#work();
    }
  }

  /**
   * Waits for those that are told something, for HookSeconds at most (2 s after a signal), and kills what is left. To be
   * called when the lease and the database are given back.
   */
  async finish(signal: AbortSignal): Promise<void> {
    if (this.#working === null) return;
    const limit = AbortSignal.timeout(this.#options.seconds * 1000);
    const soon = new AbortController();
    const timer = setTimeout(() => soon.abort(), 2_000);
    const over = signal.aborted ? AbortSignal.any([limit, soon.signal]) : AbortSignal.any([limit, signal]);
    const giveUp = () => this.#given.abort();
    over.addEventListener("abort", giveUp);
    await this.#working;
    clearTimeout(timer);
    over.removeEventListener("abort", giveUp);
    if (this.#left > 0)
      this.#options.warn(`hooks were not told of ${this.#left} events: there was no time left (HookSeconds)`);
  }

  #of(event: HookEvent): readonly HookFile[] {
    return this.#folder.hooks.filter((hook) => hook.event === event);
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (this.#given.signal.aborted) this.#left++;
      else await next();
    }
    this.#working = null;
  }

  async #tellOne(hook: HookFile, event: ToldEvent, facts: HookFacts): Promise<void> {
    const { seconds, warn } = this.#options;
    const end = await this.#call(hook, event, facts, seconds * 1000, this.#given.signal);
    if (end.failure !== null) warn(`hook ${hook.name}: ${end.failure}`);
    else if (end.code !== 0) warn(`hook ${hook.name}: ${saidBy(end)}`);
  }

  #call(
    hook: HookFile,
    event: HookEvent,
    facts: HookFacts,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<CalledEnd> {
    return this.#options.runChild(hook.path, {
      environment: { ...this.#options.environment, ...hookVariables(event, this.#run, facts) },
      input: hookInput(event, this.#run, facts, this.#options.now()),
      timeoutMs,
      signal,
    });
  }
}

/** What the hook wrote, in one line; its exit code where it wrote nothing. */
function saidBy({ code, stdout, stderr }: CalledEnd): string {
  const said = [stdout, stderr].map((text) => text.replace(/\s+/g, " ").trim()).find((text) => text !== "");
  return shorten(said ?? `exit code ${code}`, longest.error);
}
