/** PAUSE and RESUME CONTROL, EXCLUDE and INCLUDE: an administrator's word on what control leaves alone. */

import { AppError } from "../../domain/errors.ts";
import type { Snapshot } from "../../domain/pool.ts";
import type { Database } from "../../store/connection.ts";
import { exclude, include, listExclusions } from "../../store/exclusions.ts";
import { openMigrations } from "../../store/migrations.ts";
import { pauseControl, pauseStatus, resumeControl } from "../../store/pause.ts";
import { loadSnapshot } from "../../store/snapshot.ts";
import { findNamed, type Named } from "../../text/find.ts";
import { Names } from "../../text/names.ts";
import type { ManagerContext } from "../context.ts";
import type { Command } from "../parse.ts";
import type { Result } from "../result.ts";
import { quote } from "../words.ts";
import { namesIn } from "./migrations.ts";

type Of<Kind extends Command["kind"]> = Extract<Command, { kind: Kind }>;

/** Pauses control; a pause in force is replaced. */
export async function pause(
  { db, operator }: Pick<ManagerContext, "db" | "operator">,
  { seconds, reason }: Of<"pause">,
): Promise<Result> {
  await pauseControl(db, { by: operator, reason, seconds });
  const inForce = await pauseStatus(db);
  if (inForce === null) {
    throw new AppError("conflict", "The pause is over already: somebody resumed, or its time is up.");
  }
  return { kind: "paused", pause: inForce, open: (await openMigrations(db)).length };
}

/** Ends the pause; that there was none is no error. */
export async function resume(db: Database): Promise<Result> {
  return { kind: "resumed", wasPaused: await resumeControl(db) };
}

/** Excludes a VM or host of the last collection. Throws AppError not-found or ambiguous. */
export async function excludeObject(
  { db, operator }: Pick<ManagerContext, "db" | "operator">,
  { object, wanted, reason }: Of<"exclude">,
): Promise<Result> {
  const { uuid, name } = find(object, wanted, (await loadSnapshot(db))?.snapshot ?? null);
  await exclude(db, { kind: object, uuid, by: operator, reason });
  return { kind: "excluded", exclusion: { kind: object, uuid, name }, reason };
}

function find(object: "VM" | "HOST", wanted: string, snapshot: Snapshot | null): Named {
  return object === "VM"
    ? findNamed("VM", wanted, snapshot?.vms ?? [])
    : findNamed("host", wanted, snapshot?.hosts ?? []);
}

/** Takes an exclusion back, also of what is not in the pool any more. Throws AppError not-found or ambiguous. */
export async function includeObject(db: Database, { object, wanted }: Of<"include">): Promise<Result> {
  const names = await namesIn(db);
  const excluded = (await listExclusions(db))
    .filter(({ kind }) => kind === object)
    .map(({ uuid }) => ({ uuid, name: names.exact(uuid) ?? "" }));
  const found = excluded.length === 0 ? null : findExcluded(object, wanted, excluded);
  if (found === null || !(await include(db, found.uuid))) {
    const word = object === "VM" ? "VM" : "host";
    throw new AppError(
      "not-found",
      `No ${word} ${quote(wanted)} is excluded. SHOW EXCLUSIONS lists what is.`,
    );
  }
  return { kind: "included", exclusion: { kind: object, uuid: found.uuid, name: names.exact(found.uuid) } };
}

/** Null where none of them is meant; two that are stay an error. */
function findExcluded(object: "VM" | "HOST", wanted: string, excluded: readonly Named[]): Named | null {
  try {
    return findNamed(object === "VM" ? "VM" : "host", wanted, excluded);
  } catch (error) {
    if (error instanceof AppError && error.code === "not-found") return null;
    throw error;
  }
}

/** What control leaves alone. */
export async function showExclusions(db: Database): Promise<Result> {
  const stored = await loadSnapshot(db);
  return {
    kind: "exclusions",
    exclusions: await listExclusions(db),
    names: new Names(stored?.snapshot ?? null),
  };
}
