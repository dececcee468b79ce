/**
 * Flaps: VMs that came back to a host that control had moved them from a short while ago. Pure.
 *
 * A flap costs two migrations and leaves things as they were: either two rules fight each other, or the load goes to
 * and fro faster than migrations can follow, or somebody moves the VM back by hand.
 */
import type { Migration } from "../domain/migration.ts";
import type { Uuid } from "../domain/pool.ts";
import { conditionText, ruleTitle } from "../rules/print.ts";

/** Coming back later than this is no flap. */
export const flapWindowSeconds: number = 24 * 60 * 60;

export interface Flap {
  readonly vm: Uuid;
  /** The host that it left and came back to. */
  readonly host: Uuid;
  /** The migration that took it away. */
  readonly away: Migration;
  /** The migration that brought it back; null where somebody else did. */
  readonly back: Migration | null;
  /** When it was back; where somebody else did it, when control found it there. */
  readonly backAt: Date;
  readonly backSecondsAgo: number;
  /** Seconds from one to the other. */
  readonly awaySeconds: number;
}

/**
 * The flaps in the log of migrations, oldest first. A VM that control finds on another host than it had put it on was
 * brought there by somebody else.
 */
export function flapsOf(
  migrations: readonly Migration[],
  windowSeconds: number = flapWindowSeconds,
): readonly Flap[] {
  const walks = new Map<Uuid, FlapWalk>();
  const flaps: Flap[] = [];
  for (const migration of inOrder(migrations)) {
    const walk = walks.get(migration.vm) ?? new FlapWalk();
    walks.set(migration.vm, walk);
    for (const flap of walk.step(migration)) {
      if (flap.awaySeconds <= windowSeconds) flaps.push(flap);
    }
  }
  return flaps.toSorted((a, b) => a.backAt.getTime() - b.backAt.getTime());
}

type DoneMove = Migration & { readonly finishedAt: Date };

function inOrder(migrations: readonly Migration[]): readonly DoneMove[] {
  return migrations
    .filter((each): each is DoneMove => each.state === "succeeded" && each.finishedAt !== null)
    .toSorted((a, b) => a.finishedAt.getTime() - b.finishedAt.getTime());
}

/** One VM from host to host. */
class FlapWalk {
  /** The last departure from each host. */
  readonly #left = new Map<Uuid, DoneMove>();
  #position: Uuid | null = null;

  /** The flaps, none, one or two, that this migration completes. */
  step(migration: DoneMove): readonly Flap[] {
    const { vm, source, destination } = migration;
    const flaps: Flap[] = [];
    const add = (host: Uuid, backAt: Date, backSecondsAgo: number, back: Migration | null) => {
      const away = this.#left.get(host);
      if (away === undefined) return;
      const awaySeconds = Math.max(0, (backAt.getTime() - away.finishedAt.getTime()) / 1000);
      flaps.push({ vm, host, away, back, backAt, backSecondsAgo, awaySeconds });
    };
    if (this.#position !== null && this.#position !== source) {
      add(source, migration.plannedAt, migration.plannedSecondsAgo, null);
    }
    this.#left.set(source, migration);
    add(destination, migration.finishedAt, migration.finishedSecondsAgo ?? 0, migration);
    this.#position = destination;
    return flaps;
  }
}

/** What a flap points to, in words. */
export function flapCause({ away, back }: Flap): string {
  if (back === null) return "somebody else moved it back";
  if (away.cause === "serve" && back.cause === "serve")
    return "the load goes to and fro, or SERVE asks too little";
  if (away.cause === "serve" || back.cause === "serve")
    return "a rule that serves VMs and one that balances disagree";
  if (away.rule === null || back.rule === null) return "an administrator asked for one of the two moves";
  if (ruleTitle(away.rule) !== ruleTitle(back.rule)) {
    return `the rules fight each other: ${conditionText(away.rule)} and ${conditionText(back.rule)}`;
  }
  return `the load goes to and fro, or the rule is too tight: ${conditionText(back.rule)}`;
}
