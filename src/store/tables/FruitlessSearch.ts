/** The last search of control that found no move for what stays broken. */
import type { Searched } from "../../domain/controlState.ts";
import { computed, type Table, table } from "../columns.ts";
import { constant, count, json, optionalDate, text } from "../columnTypes.ts";
import { ageSeconds } from "../values.ts";

export interface FruitlessRow {
  readonly name: "control";
  readonly digest: string;
  readonly loads: Searched["loads"] | null;
  readonly searchedAt: Date | null;
  readonly secondsAgo: number;
}

export const fruitlessSearchTable: Table<FruitlessRow> = table("FruitlessSearch", ["name"], {
  name: constant("control"),
  digest: text,
  loads: json<Searched["loads"]>(),
  searchedAt: optionalDate,
  secondsAgo: computed(ageSeconds("SearchedAt"), count),
});
