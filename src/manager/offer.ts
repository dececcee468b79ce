/** What may be offered for a word that is being typed. Pure. */

import { quoteName } from "./words.ts";

/** What may be named after SHOW VM and its like. */
export interface KnownNames {
  readonly vms: readonly { readonly uuid: string; readonly name: string }[];
  readonly hosts: readonly { readonly uuid: string; readonly name: string }[];
  /** Names of rules that have one. */
  readonly rules?: readonly string[];
}

/** readline's answer: the candidates, and the part of the line that they replace. */
export type Completion = [string[], string];

/** What Tab offers behind the words of a command. */
export interface ArgumentCompletion {
  /** Whether it needs the names in the database. */
  readonly names: boolean;
  /** `typed` is all that stands behind the words. */
  readonly offer: (typed: string, names: KnownNames) => Completion;
}

/** Names and uuids of VMs or of hosts. */
export function namesOf(kind: "VM" | "HOST"): ArgumentCompletion {
  const offered = ({ vms, hosts }: KnownNames) =>
    (kind === "VM" ? vms : hosts).flatMap((one) => [one.uuid, quoteName(one.name)]);
  return { names: true, offer: (typed, names) => offer(offered(names), typed) };
}

/** Longer lists help nobody; then only what all candidates share is filled in. */
const mostOffered = 100;

/** Those of `candidates` that begin with `typed`, in any case. */
export function offer(candidates: readonly string[], typed: string): Completion {
  const wanted = typed.toLowerCase();
  const hits = candidates.filter((candidate) => candidate.toLowerCase().startsWith(wanted));
  return [hits.length > mostOffered ? [sharedStart(hits)] : hits, typed];
}

function sharedStart(texts: readonly string[]): string {
  const sorted = [...texts].sort();
  const first = sorted[0] ?? "";
  const last = sorted.at(-1) ?? "";
  let length = 0;
  while (length < first.length && first[length] === last[length]) length++;
  return first.slice(0, length);
}
