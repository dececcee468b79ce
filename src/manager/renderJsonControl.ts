/** What xcp-control did and what holds it back, as objects for JSON: uuids with the names beside them. Pure. */

import { type Flap, flapCause } from "../decide/flaps.ts";
import type { Exclusion } from "../domain/controlState.ts";
import type { Migration } from "../domain/migration.ts";
import { moveJson } from "../explain/planJson.ts";
import { ruleObject } from "../rules/json.ts";
import type { Names } from "../text/names.ts";
import { rateOf } from "./renderControl.ts";
import type { Result, StatusResult } from "./result.ts";

/** One migration, with its figures where they were read. */
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

export function exclusionObject(exclusion: Exclusion, names: Names): object {
  return { ...exclusion, name: names.exact(exclusion.uuid) };
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

export function costsObject({ costs, names }: Extract<Result, { kind: "costs" }>): object {
  return {
    pool: costs.pool,
    pairs: costs.measuredPairs().map(({ source, destination, cost }) => ({
      source,
      sourceName: names.exact(source),
      destination,
      destinationName: names.exact(destination),
      ...cost,
    })),
  };
}

export function explanationObject({
  object,
  explanation,
  names,
}: Extract<Result, { kind: "explanation" }>): object {
  const { verdict, answer, moves, figures, refusals } = explanation;
  return {
    ...object,
    verdict,
    answer,
    moves: moves.map((move) => moveJson(move, names)),
    rules: figures.map(({ rule, suppressed, ...values }) => ({
      ...ruleObject(rule),
      ...values,
      tolerated: suppressed,
    })),
    refusals,
  };
}

export function statusObject(status: StatusResult): object {
  const { names, collection, programs, open, exclusions, flaps } = status;
  return {
    schemaVersion: status.schemaVersion,
    pool: collection?.pool ?? null,
    collection: collection === null ? null : { ...collection.collection, ageSeconds: collection.ageSeconds },
    programs,
    lease: status.lease,
    pause: status.pause,
    breaker: status.breaker,
    startedLastHour: status.startedLastHour,
    openMigrations: open.map((each) => migrationObject(each, names)),
    exclusions: exclusions.map((each) => exclusionObject(each, names)),
    flaps: flaps.map((flap) => flapObject(flap, names)),
  };
}
