/** How far the transfers in flight are, for people and programs: part, rate, time left. */

import type { Uuid } from "../domain/pool.ts";
import { bytes, figure, span } from "../text/format.ts";
import type { Names } from "../text/names.ts";
import { printable } from "../text/text.ts";
import { type Reporter, say } from "./say.ts";

/** A transfer that is watched. */
export interface Watched {
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
  /** What is to be copied; null where nothing is known. */
  readonly bytes: number | null;
  /** How long the pool's own migrations let expect; null where nothing is known. */
  readonly expectedSeconds: number | null;
}

/** One look at a transfer. */
export interface TransferLook {
  /** The part that is done, 0 to 1: the most that was seen, as a task's progress may fall at the end. */
  readonly progress: number;
  /** On average since its start; null as long as nothing shows. */
  readonly bytesPerSecond: number | null;
  /** Null where nothing lets it guess. */
  readonly secondsLeft: number | null;
}

/** From the part that is done after `seconds`; at its beginning, from what was expected. */
export function lookAt(
  { bytes, expectedSeconds }: Pick<Watched, "bytes" | "expectedSeconds">,
  progress: number,
  seconds: number,
): TransferLook {
  const shows = progress >= 0.02 && seconds > 0;
  const guess = expectedSeconds === null ? null : Math.max(0, expectedSeconds - seconds);
  return {
    progress,
    bytesPerSecond: shows && bytes !== null ? (bytes * progress) / seconds : null,
    secondsLeft: shows ? (seconds * (1 - progress)) / progress : guess,
  };
}

/** Lines are not repeated before something changes, or this many milliseconds have passed. */
const heartbeatMs = 30_000;

interface InFlightMigration extends Watched {
  readonly startedMs: number;
  look: TransferLook;
  /** What was said of it last, and when. */
  said: string;
  saidMs: number;
}

/** The transfers of one run, and their progress told in its reporter. */
export class Transfers {
  readonly #reporter: Reporter;
  readonly #names: Names;
  readonly #monotonicMs: () => number;
  readonly #inFlight = new Map<Uuid, InFlightMigration>();
  /** Begun, and their end not told yet. */
  readonly #open = new Set<Uuid>();
  /** More than one was open since none was: a line must say which it means. */
  #several = false;

  constructor(reporter: Reporter, names: Names, monotonicMs: () => number) {
    this.#reporter = reporter;
    this.#names = names;
    this.#monotonicMs = monotonicMs;
  }

  /** The request leaves now, or left `secondsAgo`. */
  begin(watched: Watched, secondsAgo = 0): void {
    this.#several = this.#open.size > 0;
    this.#open.add(watched.vm);
    const startedMs = this.#monotonicMs() - secondsAgo * 1000;
    const look = lookAt(watched, 0, secondsAgo);
    this.#inFlight.set(watched.vm, {
      ...watched,
      startedMs,
      look,
      said: "",
      saidMs: Number.NEGATIVE_INFINITY,
    });
    this.#draw();
  }

  /** The pool says how far it is. */
  progress(vm: Uuid, progress: number): void {
    const migration = this.#inFlight.get(vm);
    if (migration === undefined) return;
    const most = Math.max(migration.look.progress, Math.min(1, progress));
    migration.look = lookAt(migration, most, (this.#monotonicMs() - migration.startedMs) / 1000);
    if (this.#onTerminal()) this.#draw();
    else this.#tell(migration);
  }

  /** The thesis' line, with the VM where more than one could be meant. */
  named(line: string, vm: Uuid): string {
    return this.#several ? `${line} (${this.#names.of(vm)})` : line;
  }

  /** Its end was told. */
  told(vm: Uuid): void {
    this.#open.delete(vm);
  }

  end(vm: Uuid): void {
    this.#inFlight.delete(vm);
    this.#draw();
  }

  /** The thesis' line, "Progress: 0.27". */
  #tell(migration: InFlightMigration): void {
    const { vm, look } = migration;
    const part = `Progress: ${figure(look.progress)}`;
    const text = this.named(part, vm);
    const now = this.#monotonicMs();
    if (text === migration.said && now - migration.saidMs < heartbeatMs) return;
    migration.said = text;
    migration.saidMs = now;
    const { bytesPerSecond, secondsLeft } = look;
    say(this.#reporter, "progress", text, {
      vm,
      progress: look.progress,
      bytesPerSecond: bytesPerSecond === null ? null : Math.round(bytesPerSecond),
      secondsLeft: secondsLeft === null ? null : Math.round(secondsLeft),
    });
  }

  #onTerminal(): boolean {
    return this.#reporter.show !== undefined && !this.#reporter.json;
  }

  #draw(): void {
    if (!this.#onTerminal()) return;
    this.#reporter.show?.(
      [...this.#inFlight.values()].map((migration) => printable(transferLine(migration, this.#names))),
    );
  }
}

/** "vm1 from xen1 to xen2: 43 %, 112 MB/s, 12 s left" */
export function transferLine(
  {
    vm,
    source,
    destination,
    look,
  }: Omit<Watched, "bytes" | "expectedSeconds"> & { readonly look: TransferLook },
  names: Names,
): string {
  const { progress, bytesPerSecond, secondsLeft } = look;
  const parts = [
    `${Math.floor(progress * 100)} %`,
    ...(bytesPerSecond === null ? [] : [`${bytes(bytesPerSecond, "MB")}/s`]),
    ...(secondsLeft === null ? [] : [`${span(secondsLeft)} left`]),
  ];
  return `${names.of(vm)} from ${names.of(source)} to ${names.of(destination)}: ${parts.join(", ")}`;
}
