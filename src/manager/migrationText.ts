/** A migration in a line, and as JSON, for the commands that speak of migrations. Pure. */

import type { Migration } from "../domain/migration.ts";
import { ruleObject } from "../rules/json.ts";
import type { Names } from "../text/names.ts";
import { rate } from "./layout.ts";

/** "web1: host1 -> host2". */
export function wayOf({ vm, source, destination }: Migration, names: Names): string {
  return `${names.of(vm)}: ${names.of(source)} -> ${names.of(destination)}`;
}

/** MB/s of a migration that came to its end. */
export function rateOf({ state, memoryBytes, seconds }: Migration): number | null {
  return state === "succeeded" ? rate(memoryBytes, seconds) : null;
}

/** With its figures where they were read; uuids with the names beside them. */
export function migrationObject(migration: Migration, names: Names): object {
  return {
    ...migration,
    vmName: names.exact(migration.vm),
    sourceName: names.exact(migration.source),
    destinationName: names.exact(migration.destination),
    rule: migration.rule === null ? null : ruleObject(migration.rule),
    mbPerSecond: rateOf(migration),
  };
}
