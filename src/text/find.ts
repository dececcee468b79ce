/** Finds the VM or host that the operator named. Pure. */

import { AppError } from "../domain/errors.ts";
import type { Uuid } from "../domain/pool.ts";
import { quote, quoteName } from "./quote.ts";
import { closest, printable } from "./text.ts";

/** What a VM and a host have in common here. */
export interface Named {
  readonly uuid: Uuid;
  readonly name: string;
}

/** More uuids than these help nobody to choose. */
const mostListed = 10;

/**
 * The one of `among` that `wanted` names: by uuid, by the start of one, or by name (also as `printable` shows it).
 * A whole uuid wins over everything: nobody can hide a VM by naming another one after its uuid.
 * Throws AppError not-found (with the nearest name) or ambiguous (with the uuids).
 */
export function findNamed<T extends Named>(kind: "VM" | "host", wanted: string, among: readonly T[]): T {
  const start = wanted.toLowerCase();
  const exact = among.find((one) => one.uuid === start);
  if (exact !== undefined) return exact;
  const found = among.filter(
    (one) => one.uuid.startsWith(start) || one.name === wanted || printable(one.name) === wanted,
  );
  const [only, another] = found;
  if (only === undefined) throw notFound(kind, wanted, among);
  if (another !== undefined) throw ambiguous(kind, wanted, found);
  return only;
}

function notFound(kind: string, wanted: string, among: readonly Named[]): AppError {
  const message = `There is no ${kind} ${quote(wanted)}`;
  if (among.length === 0) {
    return new AppError("not-found", `${message}: the database holds no ${kind} yet. Run xcp-collect first.`);
  }
  const names = among.flatMap((one) => [one.name, one.uuid]);
  const meant = closest(wanted, names);
  const hint =
    meant === null ? `SHOW ${kind.toUpperCase()}S lists them.` : `Did you mean ${quoteName(meant)}?`;
  return new AppError("not-found", `${message}. ${hint}`);
}

function ambiguous(kind: string, wanted: string, found: readonly Named[]): AppError {
  const listed = found.slice(0, mostListed).map((one) => one.uuid);
  const more = found.length > mostListed ? ` and ${found.length - mostListed} more` : "";
  const uuids = listed.join(", ") + more;
  return new AppError(
    "ambiguous",
    `${quote(wanted)} names ${found.length} ${kind}s: ${uuids}. Name it by uuid.`,
  );
}
