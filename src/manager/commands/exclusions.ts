/** EXCLUDE, INCLUDE and SHOW EXCLUSIONS: an administrator's word on what control leaves alone. */

import type { Exclusion } from "../../domain/controlState.ts";
import { AppError } from "../../domain/errors.ts";
import { isProblem } from "../../rules/problem.ts";
import type { Database } from "../../store/connection.ts";
import { exclude, include, listExclusions } from "../../store/exclusions.ts";
import { loadSnapshot } from "../../store/snapshot.ts";
import { findNamed, type Named } from "../../text/find.ts";
import type { Names } from "../../text/names.ts";
import { namesIn } from "../collected.ts";
import { type Command, command, type HelpEntry, type ManagerContext } from "../command.ts";
import { bare, nameOnly, type WantedObject } from "../forms.ts";
import { listEntry, timestamp } from "../layout.ts";
import { namesOf } from "../offer.ts";
import { tableOf } from "../table.ts";
import { problem, quote, readQuoted, splitReason, type TextProblem } from "../words.ts";

type Kind = WantedObject["object"];

export interface WantedExclusion extends WantedObject {
  readonly reason: string;
}

/** A VM or host that is excluded, or was. */
export interface ObjectNamed {
  readonly kind: Kind;
  readonly uuid: string;
  /** Null where the pool has no such object any more. */
  readonly name: string | null;
}

export interface Excluded {
  readonly exclusion: ObjectNamed;
  readonly reason: string;
}

export interface Exclusions {
  readonly exclusions: readonly Exclusion[];
  readonly names: Names;
}

const excludeHelp: readonly HelpEntry[] = [
  ["EXCLUDE VM|HOST uuid|name [REASON text]", "this VM stays where it is; nothing goes to or from this host"],
  "EXCLUDE HOST Host1 REASON new network card",
];

export const excludeVm: Command<WantedExclusion, Excluded> = excludeCommand("VM");
export const excludeHost: Command<WantedExclusion, Excluded> = excludeCommand("HOST");

function excludeCommand(kind: Kind): Command<WantedExclusion, Excluded> {
  const words = `EXCLUDE ${kind}`;
  const usage = `${words} uuid|name [REASON text]`;
  return command({
    words,
    usage,
    help: excludeHelp,
    complete: namesOf(kind),
    read: (rest) => {
      const asked = readExclusion(kind, rest);
      return !isProblem(asked) && asked.wanted === "" ? problem(`${words} which? Write ${usage}.`) : asked;
    },
    run: excludeObject,
    text: ({ exclusion }) => [`${objectWord(exclusion.kind)} excluded`],
    json: ({ exclusion, reason }) => ({ excluded: { ...exclusion, reason } }),
  });
}

const includeHelp: readonly HelpEntry[] = [["INCLUDE VM|HOST uuid|name", "takes that back"]];

export const includeVm: Command<WantedObject, ObjectNamed> = includeCommand("VM");
export const includeHost: Command<WantedObject, ObjectNamed> = includeCommand("HOST");

function includeCommand(kind: Kind): Command<WantedObject, ObjectNamed> {
  return command({
    ...nameOnly(`INCLUDE ${kind}`, kind),
    help: includeHelp,
    run: includeObject,
    text: (exclusion) => [`${objectWord(exclusion.kind)} included`],
    json: (exclusion) => ({ included: exclusion }),
  });
}

export const showExclusions: Command<null, Exclusions> = command({
  ...bare("SHOW EXCLUSIONS"),
  help: [["SHOW EXCLUSIONS", "what is excluded, by whom, since when and why"]],
  run: async ({ db }) => ({ names: await namesIn(db), exclusions: await listExclusions(db) }),
  text: ({ exclusions, names }) => exclusions.map((each) => exclusionItem(each, names)),
  json: ({ exclusions, names }) => exclusions.map((each) => exclusionObject(each, names)),
  table: ({ exclusions, names }) =>
    tableOf(
      {
        Kind: ({ kind }) => kind,
        Uuid: ({ uuid }) => uuid,
        Name: ({ uuid }) => names.exact(uuid),
        By: ({ by }) => by,
        At: ({ at }) => at,
        Reason: ({ reason }) => reason,
      },
      exclusions,
    ),
  hints: ({ exclusions }) => (exclusions.length === 0 ? ["Nothing is excluded."] : []),
});

/** `wanted` is "" where nothing is named. */
function readExclusion(object: Kind, rest: string): WantedExclusion | TextProblem {
  const quoted = readQuoted(rest);
  const behind = quoted === null ? null : splitReason(quoted.behind);
  if (quoted !== null && behind !== null) {
    if (isProblem(behind)) return behind;
    if (behind.head === "") return { object, wanted: quoted.text, reason: behind.reason };
  }
  const parts = splitReason(rest);
  return isProblem(parts) ? parts : { object, wanted: parts.head, reason: parts.reason };
}

/** Excludes a VM or host of the last collection. Throws AppError not-found or ambiguous. */
async function excludeObject(
  { db, operator }: ManagerContext,
  { object, wanted, reason }: WantedExclusion,
): Promise<Excluded> {
  const snapshot = (await loadSnapshot(db))?.snapshot;
  const { uuid, name } = find<Named>(
    object,
    wanted,
    (object === "VM" ? snapshot?.vms : snapshot?.hosts) ?? [],
  );
  await exclude(db, { kind: object, uuid, by: operator, reason });
  return { exclusion: { kind: object, uuid, name }, reason };
}

function find<T extends Named>(object: Kind, wanted: string, among: readonly T[]): T {
  return findNamed(object === "VM" ? "VM" : "host", wanted, among);
}

/** Takes an exclusion back, also of what is not in the pool any more. Throws AppError not-found or ambiguous. */
async function includeObject({ db }: ManagerContext, { object, wanted }: WantedObject): Promise<ObjectNamed> {
  const names = await namesIn(db);
  const found = findExcluded(object, wanted, await excludedOf(db, object, names));
  if (found === null || !(await include(db, found.uuid))) {
    const word = object === "VM" ? "VM" : "host";
    throw new AppError(
      "not-found",
      `No ${word} ${quote(wanted)} is excluded. SHOW EXCLUSIONS lists what is.`,
    );
  }
  return { kind: object, uuid: found.uuid, name: names.exact(found.uuid) };
}

async function excludedOf(db: Database, object: Kind, names: Names): Promise<readonly Named[]> {
  return (await listExclusions(db))
    .filter(({ kind }) => kind === object)
    .map(({ uuid }) => ({ uuid, name: names.exact(uuid) ?? "" }));
}

/** Null where none of them is meant; two that are stay an error. */
function findExcluded(object: Kind, wanted: string, excluded: readonly Named[]): Named | null {
  if (excluded.length === 0) return null;
  try {
    return find(object, wanted, excluded);
  } catch (error) {
    if (error instanceof AppError && error.code === "not-found") return null;
    throw error;
  }
}

function objectWord(kind: Kind): string {
  return kind === "VM" ? "VM" : "Host";
}

/** One exclusion in a list. */
export function exclusionItem({ kind, uuid, by, at, reason }: Exclusion, names: Names): string {
  return listEntry(
    objectWord(kind),
    uuid,
    names.exact(uuid) ?? "(not in the pool)",
    by === "" ? "" : `by ${by}`,
    timestamp(at),
    reason,
  );
}

export function exclusionObject(exclusion: Exclusion, names: Names): object {
  return { ...exclusion, name: names.exact(exclusion.uuid) };
}
