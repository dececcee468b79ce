/** Who switched which host off and on, and when: what host-hours are counted from. */

/**
 * asked-off: host.shutdown or host.reboot was accepted; dark: the host's toolstack has gone; off: it draws no power;
 * asked-on: host.power_on was accepted; booting: it draws power; live: the pool has heard of it; enabled: it takes VMs
 * again; not-woken: host.power_on gave up; vm-stopped: a VM was stopped because its host went down; crashed: it lost
 * its power.
 */
export type PowerEventKind =
  | "asked-off"
  | "dark"
  | "off"
  | "asked-on"
  | "booting"
  | "live"
  | "enabled"
  | "not-woken"
  | "vm-stopped"
  | "crashed";

export interface PowerEvent {
  readonly atMs: number;
  readonly hostRef: string;
  readonly kind: PowerEventKind;
  /** Who asked: user and program of the session; the pool's own words where nobody did. */
  readonly by: string;
  /** The VM or the failure it is about; "" for none. */
  readonly about: string;
}

interface Span {
  readonly fromMs: number;
  untilMs: number;
}

const hourMs = 3_600_000;
const starts: ReadonlySet<PowerEventKind> = new Set(["booting"]);
const ends: ReadonlySet<PowerEventKind> = new Set(["off", "crashed"]);

/** Grows by a handful of entries for each time a host is switched off and on. */
export class PowerRecord {
  readonly #startMs: number;
  readonly #events: PowerEvent[] = [];
  readonly #unpowered = new Map<string, Span[]>();
  readonly #dark = new Map<string, Span[]>();

  /** `startMs` is when the pool began; every host is on then unless `beginOff` says otherwise. */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  get events(): readonly PowerEvent[] {
    return this.#events;
  }

  /** The host is off when the pool begins. */
  beginOff(hostRef: string): void {
    for (const spans of [this.#unpowered, this.#dark]) open(spans, hostRef, Number.NEGATIVE_INFINITY);
  }

  add(event: PowerEvent): void {
    const { hostRef, atMs, kind } = event;
    this.#events.push(event);
    if (ends.has(kind)) open(this.#unpowered, hostRef, atMs);
    if (starts.has(kind)) close(this.#unpowered, hostRef, atMs);
    if (kind === "dark" || kind === "crashed") open(this.#dark, hostRef, atMs);
    if (kind === "live") {
      close(this.#dark, hostRef, atMs);
      close(this.#unpowered, hostRef, atMs);
    }
  }

  /** Whether the host measured nothing at that time: it was off, or its toolstack was not up. */
  isDark(hostRef: string, atMs: number): boolean {
    return (this.#dark.get(hostRef) ?? []).some(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs);
  }

  /** Hours for which the host drew power, booting and shutting down included. */
  hoursOn(hostRef: string, untilMs: number, fromMs: number = this.#startMs): number {
    const off = (this.#unpowered.get(hostRef) ?? []).reduce(
      (sum, span) => sum + Math.max(0, Math.min(span.untilMs, untilMs) - Math.max(span.fromMs, fromMs)),
      0,
    );
    return Math.max(0, untilMs - fromMs - off) / hourMs;
  }
}

function open(spans: Map<string, Span[]>, hostRef: string, atMs: number): void {
  const own = spans.get(hostRef) ?? [];
  spans.set(hostRef, own);
  if (own.at(-1)?.untilMs !== Number.POSITIVE_INFINITY) {
    own.push({ fromMs: atMs, untilMs: Number.POSITIVE_INFINITY });
  }
}

function close(spans: Map<string, Span[]>, hostRef: string, atMs: number): void {
  const last = spans.get(hostRef)?.at(-1);
  if (last !== undefined) last.untilMs = Math.min(last.untilMs, atMs);
}
