/** SHOW FLAPS: VMs that came back to a host they had just left, and why. Read only. */

import { type Flap, flapCause, flapsOf, flapWindowSeconds } from "../../decide/flaps.ts";
import type { Database } from "../../store/connection.ts";
import { recentMigrationsIn } from "../../store/migrations.ts";
import { span } from "../../text/format.ts";
import type { Names } from "../../text/names.ts";
import { printable } from "../../text/text.ts";
import { namesIn } from "../collected.ts";
import { type Command, command } from "../command.ts";
import { bare } from "../forms.ts";
import { listEntry, timestamp } from "../layout.ts";
import { migrationObject } from "../migrationText.ts";
import { tableOf } from "../table.ts";

/** How far SHOW FLAPS looks back. */
const shownDays = 7;

/** Newest first. */
export interface Flaps {
  readonly flaps: readonly Flap[];
  readonly names: Names;
}

export const showFlaps: Command<null, Flaps> = command({
  ...bare("SHOW FLAPS"),
  help: [["SHOW FLAPS", "VMs that came back to a host they had just left, and why"]],
  run: async ({ db }) => {
    const flaps = await flapsWithin(db, shownDays * 86_400);
    return { flaps: flaps.toReversed(), names: await namesIn(db) };
  },
  text: ({ flaps, names }) => [
    `Flaps of the last ${shownDays} d: ${flaps.length}`,
    ...flaps.flatMap((flap) => flapBlock(flap, names)),
  ],
  json: ({ flaps, names }) => ({
    days: shownDays,
    count: flaps.length,
    flaps: flaps.map((flap) => flapObject(flap, names)),
  }),
  table: ({ flaps, names }) =>
    tableOf(
      {
        VM: ({ vm }) => names.of(vm),
        Host: ({ host }) => names.of(host),
        Left: ({ away }) => away.finishedAt,
        Back: ({ backAt }) => backAt,
        "Away s": ({ awaySeconds }) => awaySeconds,
        Cause: flapCause,
      },
      flaps,
    ),
});

/** The flaps that were completed within the last `seconds`, oldest first. */
export async function flapsWithin(db: Database, seconds: number): Promise<readonly Flap[]> {
  // The migration that took a VM away may be as much older as a flap lasts, and took a while itself.
  const since = seconds + 2 * flapWindowSeconds;
  const migrations = await db.read((reader) => recentMigrationsIn(reader, since));
  return flapsOf(migrations).filter(({ backSecondsAgo }) => backSecondsAgo <= seconds);
}

/** A flap with its cause, and the reason of each of the two moves. */
function flapBlock(flap: Flap, names: Names): string[] {
  const { vm, host, away, back, backAt, awaySeconds, backSecondsAgo } = flap;
  const when = `${span(awaySeconds, "rough")} after it left, ${span(backSecondsAgo, "rough")} ago`;
  const left = away.finishedAt === null ? "-" : timestamp(away.finishedAt);
  return [
    listEntry(names.of(vm), `back on ${names.of(host)} ${when}`, flapCause(flap)),
    `  left ${left} (${away.id.slice(0, 8)}): ${printable(away.reason)}`,
    back === null
      ? `  found there again ${timestamp(backAt)}`
      : `  back ${timestamp(backAt)} (${back.id.slice(0, 8)}): ${printable(back.reason)}`,
  ];
}

export function flapObject(flap: Flap, names: Names): object {
  const { vm, host, away, back, backAt, backSecondsAgo, awaySeconds } = flap;
  return {
    vm,
    vmName: names.exact(vm),
    host,
    hostName: names.exact(host),
    leftAt: away.finishedAt,
    backAt,
    backSecondsAgo,
    awaySeconds,
    cause: flapCause(flap),
    away: migrationObject(away, names),
    back: back === null ? null : migrationObject(back, names),
  };
}
