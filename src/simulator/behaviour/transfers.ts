/** Streams of memory between hosts: each host's bandwidth is shared by the streams that touch it. */
import type { Timer, VirtualClock } from "./clock.ts";

/** One stream. */
export interface Transfer {
  readonly sourceRef: string;
  readonly targetRef: string;
  readonly bytes: number;
  /** Bytes per second at this moment. */
  readonly rate: number;
  /** Resolves when all bytes have arrived; never when the stream is stopped. */
  readonly done: Promise<void>;
  /** Multiplies the rate: 1 is normal, 0 stands still. */
  setPace(pace: number): void;
  stop(): void;
}

export interface TransferOptions {
  readonly sourceRef: string;
  readonly targetRef: string;
  readonly bytes: number;
  /** Called for every whole percent that has arrived, 1 to 100. */
  readonly onPercent: (percent: number) => void;
  /** Called when the rate has changed, in bytes per second; the first time before start returns. */
  readonly onRate: (rate: number) => void;
}

interface Stream extends TransferOptions {
  sent: number;
  percent: number;
  pace: number;
  rate: number;
  readonly finish: () => void;
}

export class Transfers {
  readonly #clock: VirtualClock;
  readonly #bandwidthOf: (hostRef: string) => number;
  readonly #streams = new Set<Stream>();
  #settledMs = 0;
  #timer: Timer | null = null;

  /** `bandwidthOf` tells the bytes per second that a host can move. */
  constructor(clock: VirtualClock, bandwidthOf: (hostRef: string) => number) {
    this.#clock = clock;
    this.#bandwidthOf = bandwidthOf;
  }

  start(options: TransferOptions): Transfer {
    this.#settle();
    let finish: () => void = () => {};
    const done = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const stream: Stream = { ...options, sent: 0, percent: 0, pace: 1, rate: 0, finish };
    this.#streams.add(stream);
    this.#share();
    return {
      sourceRef: options.sourceRef,
      targetRef: options.targetRef,
      bytes: options.bytes,
      get rate() {
        return stream.rate;
      },
      done,
      setPace: (pace) => this.#change(() => Object.assign(stream, { pace })),
      stop: () => this.#change(() => this.#streams.delete(stream)),
    };
  }

  #change(change: () => void): void {
    this.#settle();
    change();
    this.#share();
  }

  /** Books what has arrived since the last time. */
  #settle(): void {
    const nowMs = this.#clock.now();
    const seconds = (nowMs - this.#settledMs) / 1000;
    this.#settledMs = nowMs;
    for (const stream of this.#streams)
      stream.sent = Math.min(stream.bytes, stream.sent + stream.rate * seconds);
  }

  /** Gives every stream its rate, and sets the timer for the next whole percent of any of them. */
  #share(): void {
    const users = new Map<string, number>();
    for (const stream of this.#streams) {
      for (const host of hostsOf(stream)) users.set(host, (users.get(host) ?? 0) + 1);
    }
    for (const stream of this.#streams) {
      const shares = hostsOf(stream).map((host) => this.#bandwidthOf(host) / (users.get(host) ?? 1));
      const rate = Math.min(...shares) * stream.pace;
      const changed = rate !== stream.rate;
      stream.rate = rate;
      if (changed) stream.onRate(rate);
    }
    this.#timer?.cancel();
    const waitMs = Math.min(...[...this.#streams].map(untilNextPercentMs));
    this.#timer = Number.isFinite(waitMs) ? this.#clock.after(waitMs, () => this.#step()) : null;
  }

  #step(): void {
    this.#settle();
    for (const stream of [...this.#streams]) {
      // A byte of slack: sums of fractions must not need one more timer.
      const percent = Math.floor(((stream.sent + 1) / stream.bytes) * 100);
      if (percent <= stream.percent) continue;
      stream.percent = Math.min(100, percent);
      stream.onPercent(stream.percent);
      if (stream.percent < 100) continue;
      this.#streams.delete(stream);
      stream.finish();
    }
    this.#share();
  }
}

function hostsOf(stream: Stream): string[] {
  return stream.sourceRef === stream.targetRef ? [stream.sourceRef] : [stream.sourceRef, stream.targetRef];
}

/** In whole milliseconds: a wait so short that the clock does not move would repeat for ever. */
function untilNextPercentMs(stream: Stream): number {
  if (stream.rate <= 0) return Number.POSITIVE_INFINITY;
  const next = (stream.bytes * (stream.percent + 1)) / 100;
  return Math.max(1, Math.ceil(((next - stream.sent) / stream.rate) * 1000));
}
