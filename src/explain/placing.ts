/** Where a VM would run best, in words and as an object. Pure. */

import type { LastUse, RankingBasis } from "../decide/placing.ts";
import type { Gate } from "../domain/gate.ts";
import type { Snapshot, StoredSnapshot, Vm } from "../domain/pool.ts";
import { sumText } from "../domain/rule.ts";
import { noUuid } from "../domain/vmSize.ts";
import type { RankedHost, Ranking } from "../planner/place/ranking.ts";
import { ruleObject } from "../rules/json.ts";
import { bytes, figure, plural, span } from "../text/format.ts";
import { Names } from "../text/names.ts";
import { gateObject } from "./planJson.ts";
import { gateLine } from "./report.ts";

/** What a ranking is told with. */
export interface PlacingContext extends Pick<RankingBasis, "snapshot"> {
  readonly stored: StoredSnapshot;
  /** The VM as it was ranked. */
  readonly vm: Vm;
  /** What was taken from the history; null where the VM runs, or nothing is known. */
  readonly lastUse: LastUse | null;
  /** Why the collection may not be acted on; null where it may. */
  readonly gate: Gate | null;
}

/** The hosts by rank, a line each with its reasons, and why the others cannot take the VM. */
export function placingLines(context: PlacingContext, ranking: Ranking): string[] {
  const { stored, snapshot, gate } = context;
  const names = new Names(snapshot);
  const { places, refused } = ranking;
  return [
    ...(gate === null ? [] : [`Nothing should be done by this collection: ${gateLine(gate)}`]),
    `${subjectText(context, ranking, names)}, collected ${span(stored.ageSeconds)} ago`,
    ...usedLines(context, ranking),
    ...places.map((place) => placeLine(place, names)),
    ...refused.map(({ host, reason }) => `not ${names.of(host)}: ${reason}`),
    ...(places.length === 0 ? [nowhere(snapshot)] : []),
  ];
}

function nowhere({ hosts }: Snapshot): string {
  return hosts.length === 0
    ? "There is no host"
    : "No host can take it as things stand; MAKE ROOM says whether moves would help";
}

function subjectText({ vm }: PlacingContext, { source, needBytes }: Ranking, names: Names): string {
  const who = vm.uuid === noUuid ? "A VM of this size" : names.of(vm.uuid);
  const where = source === null ? vm.powerState : `running on ${names.of(source)}`;
  const need = needBytes === null ? "needs memory that is unknown" : `needs ${bytes(needBytes, "MB")}`;
  const cpus = vm.vcpuNum === null ? "" : `, ${plural(vm.vcpuNum, "vCPU")}`;
  return vm.uuid === noUuid ? `${who} ${need}${cpus}` : `${who} (${where}) ${need}${cpus}`;
}

/** What it is reckoned to use, where that is not what it uses now. */
function usedLines({ vm, lastUse, stored }: PlacingContext, { source, uncounted, serve }: Ranking): string[] {
  const lines: string[] = [];
  if (source === null && lastUse !== null) {
    const age = (stored.collection.startedAt.getTime() - lastUse.at.getTime()) / 1000;
    const load = vm.vcpuAverage === null ? "" : `, vCPUs at ${figure(vm.vcpuAverage, 0)} %`;
    lines.push(
      `reckoned with what it used when it last ran, ${span(age, "rough")} before that (${plural(lastUse.samples, "sample")}${load})`,
    );
  }
  const parts = [...new Set(uncounted.map(sumText))];
  if (parts.length > 0) {
    lines.push(`what it would add to ${parts.join(", ")} is unknown and counted as nothing`);
  }
  if (serve !== null && serve.wantedCpus === null) {
    lines.push("what it would want of the CPUs is unknown and counted as nothing (SERVE CPU)");
  }
  return lines;
}

/** "1. xen3 (score 81): keeps every rule; ..." */
export function placeLine({ rank, host, score, reasons }: RankedHost, names: Names): string {
  return `${rank}. ${names.of(host)} (score ${figure(score, 1)}): ${reasons.join("; ")}`;
}

/** The same as one object: uuids, with names beside them. */
export function placingJson(context: PlacingContext, ranking: Ranking): Readonly<Record<string, unknown>> {
  const { stored, snapshot, vm, lastUse, gate } = context;
  const names = new Names(snapshot);
  return {
    vm: ranking.vm,
    vmName: ranking.vm === null ? null : vm.name,
    powerState: vm.powerState,
    host: ranking.source,
    vcpus: vm.vcpuNum,
    memoryMb: vm.memoryMb,
    needBytes: ranking.needBytes,
    collection: stored.collection.id,
    ageSeconds: Math.round(stored.ageSeconds * 10) / 10,
    gate: gateObject(gate),
    lastUse:
      lastUse === null
        ? null
        : {
            at: lastUse.at.toISOString(),
            samples: lastUse.samples,
            vcpuAverage: lastUse.measures.vcpuAverage,
          },
    uncounted: [...new Set(ranking.uncounted.map(sumText))],
    serve: serveObject(ranking),
    hosts: ranking.places.map((place) => placeJson(place, names)),
    refused: ranking.refused.map(({ host, code, reason }) => ({
      host,
      hostName: names.exact(host),
      code,
      reason,
    })),
  };
}

/** The rule that serves VMs, and what the VM is expected to want of the CPUs by it; null where none acts. */
function serveObject({ serve }: Ranking): Readonly<Record<string, unknown>> | null {
  if (serve === null) return null;
  const { rule, ...facts } = serve;
  return { worth: rule.worth, overMinutes: rule.overMinutes, ...facts };
}

/** One of them as an object. */
export function placeJson(place: RankedHost, names: Names): Readonly<Record<string, unknown>> {
  const { rules, harms, ...rest } = place;
  return {
    ...rest,
    hostName: names.exact(place.host),
    rules: rules.map(({ rule, ...figures }) => ({ ...ruleObject(rule), ...figures })),
    harms: harms.map(({ rule, ...figures }) => ({ ...ruleObject(rule), ...figures })),
  };
}
