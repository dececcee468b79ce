/**
 * Finds things of one list by their uuids, asked for in the order of that list or nearly so, as lists of one pool that were
 * read one after the other are: no map is made, and no uuid hashed, as long as each that is asked for follows the one
 * before. Pure.
 */
import type { Uuid } from "./pool.ts";

/** Where in one list things stand. Of two with one uuid the last is found, as in a map. */
export class InTurn {
  readonly #list: readonly { readonly uuid: Uuid }[];
  /** Made when first something is asked for out of turn. */
  #places: ReadonlyMap<Uuid, number> | null = null;
  #next = 0;

  constructor(list: readonly { readonly uuid: Uuid }[]) {
    this.#list = list;
  }

  /** The place of the thing in the list; -1 where it is not in it. */
  placeOf(uuid: Uuid): number {
    const { length } = this.#list;
    if (this.#next < length && this.#list[this.#next]?.uuid === uuid) return this.#next++;
    this.#places ??= new Map(this.#list.map((each, place): [Uuid, number] => [each.uuid, place]));
    const place = this.#places.get(uuid) ?? -1;
    if (place >= 0) this.#next = place + 1;
    return place;
  }
}
