/** What objects of the pool are called, for texts that know them by uuid. Pure. */

import type { Snapshot, Uuid } from "../domain/pool.ts";
import { longest, shorten } from "./text.ts";

export class Names {
  readonly #names: ReadonlyMap<string, string>;
  readonly #uses = new Map<string, number>();

  /** Without a snapshot nothing has a name. */
  constructor(snapshot: Pick<Snapshot, "hosts" | "vms"> | null) {
    const named = snapshot === null ? [] : [...snapshot.hosts, ...snapshot.vms];
    this.#names = new Map(named.map(({ uuid, name }) => [uuid, name]));
    for (const name of this.#names.values()) this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1);
  }

  /** For people: with the uuid where several have the name, the uuid alone where there is no name. */
  of(uuid: Uuid): string {
    const name = this.#names.get(uuid) ?? "";
    if (name === "") return uuid;
    // Two that begin alike for so long are told apart by their uuids.
    const short = shorten(name, longest.name);
    return (this.#uses.get(name) ?? 0) > 1 || short !== name ? `${short} (${uuid})` : name;
  }

  /** For programs: the name as the pool has it; null where the pool has no such object any more. */
  exact(uuid: Uuid): string | null {
    return this.#names.get(uuid) ?? null;
  }
}
