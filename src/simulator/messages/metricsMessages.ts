/** Messages that read data sources, with the errors of each release. */

import { assertReachable } from "../behaviour/reach.ts";
import { hasMeasures, namesPowerState, optionalSources, sampleHost, sampleVm } from "../metrics/metrics.ts";
import { isActive, type PoolModel, refOrNull } from "../metrics/model.ts";
import type { MessageDefinition, SourceSample } from "../objects/contract.ts";
import { type SimMap, simMap } from "../objects/datamodel.ts";
import { isAtLeast } from "../objects/release.ts";
import { SimFailure } from "../server/failure.ts";

export function metricsMessages(model: PoolModel): [string, MessageDefinition][] {
  const query = (owner: "host" | "VM", read: (ref: string) => SourceSample[]): MessageDefinition => ({
    params: [`ref:${owner}`, "string"],
    minArgs: 2,
    async: false,
    result: "float",
    handle: ({ args }) => pick(model, read(String(args[0])), String(args[1])),
  });
  const list = (owner: "host" | "VM", read: (ref: string) => SourceSample[]): MessageDefinition => ({
    params: [`ref:${owner}`],
    minArgs: 1,
    async: false,
    result: "set:record:data_source",
    handle: ({ args }) => {
      const ref = String(args[0]);
      const samples = read(ref);
      const names = new Set(samples.map(({ name }) => name));
      const optional = owner === "VM" ? optionalSources(model, ref, model.clock.now()) : [];
      const standard = (name: string) => !optional.some((each) => each.name === name);
      return [
        ...samples.map((sample) => describe(sample, { enabled: true, standard: standard(sample.name) })),
        ...optional
          .filter(({ name }) => !names.has(name))
          .map((sample) => describe(sample, { enabled: false, standard: false })),
      ];
    },
  });
  const change = (make: (vmRef: string, name: string) => void): MessageDefinition => ({
    params: ["ref:VM", "string"],
    minArgs: 2,
    async: false,
    result: "void",
    handle: ({ args }) => {
      make(String(args[0]), String(args[1]));
      return "";
    },
  });
  return [
    ["host.query_data_source", query("host", (ref) => samplesOfHost(model, ref))],
    ["host.get_data_sources", list("host", (ref) => samplesOfHost(model, ref))],
    ["VM.query_data_source", query("VM", (ref) => samplesOfVm(model, ref))],
    ["VM.get_data_sources", list("VM", (ref) => samplesOfVm(model, ref))],
    ["VM.record_data_source", change((vmRef, name) => record(model, vmRef, name))],
    [
      "VM.forget_data_source_archives",
      // A source that is always recorded comes back at once.
      change((vmRef, name) => void model.recorded.get(vmRef)?.delete(name)),
    ],
  ];
}

/** Has the VM's host record the source from now on; one that is recorded already goes on. */
function record(model: PoolModel, vmRef: string, name: string): void {
  if (samplesOfVm(model, vmRef).some((source) => source.name === name)) return;
  if (!optionalSources(model, vmRef, model.clock.now()).some((source) => source.name === name))
    throw new SimFailure("INTERNAL_ERROR", [`Rrd_interface.Rrdd_error(Datasource_missing("${name}"))`]);
  const recorded = model.recorded.get(vmRef) ?? new Map<string, number>();
  model.recorded.set(vmRef, recorded.set(name, recorded.get(name) ?? model.clock.now()));
}

function samplesOfHost(model: PoolModel, hostRef: string): SourceSample[] {
  model.db.text("host", hostRef, "uuid");
  assertReachable(model, hostRef);
  return sampleHost(model, hostRef, model.clock.now());
}

function samplesOfVm(model: PoolModel, vmRef: string): SourceSample[] {
  const power = model.db.text("VM", vmRef, "power_state");
  if (!isActive(power)) {
    throw namesPowerState(model)
      ? new SimFailure("VM_BAD_POWER_STATE", [vmRef, "running;paused", power.toLowerCase()])
      : new SimFailure("INTERNAL_ERROR", ["Not_found"]);
  }
  const hostRef = refOrNull(model, "VM", vmRef, "resident_on");
  if (hostRef !== null) assertReachable(model, hostRef);
  const samples = hasMeasures(model, vmRef) ? sampleVm(model, vmRef, model.clock.now()) : [];
  if (samples.length > 0) return samples;
  const text = isAtLeast(model.release, 2, 6)
    ? `Rrd_interface.Rrdd_error(Rrd_interface.Datasource_missing("${model.db.text("VM", vmRef, "uuid")}"))`
    : "Not_found";
  throw new SimFailure("INTERNAL_ERROR", [text]);
}

function pick(model: PoolModel, samples: readonly SourceSample[], name: string): number {
  const sample = samples.find((source) => source.name === name);
  if (sample !== undefined) return sample.value;
  throw isAtLeast(model.release, 2, 5)
    ? new SimFailure("INTERNAL_ERROR", [`Rrd.Invalid_data_source("${name}")`])
    : new SimFailure("INVALID_VALUE", ["data-source", name]);
}

function describe(
  sample: SourceSample,
  { enabled, standard }: { readonly enabled: boolean; readonly standard: boolean },
): SimMap {
  return simMap([
    ["name_label", sample.name],
    ["name_description", sample.description],
    ["enabled", enabled],
    ["standard", standard],
    ["units", sample.units],
    ["min", sample.min],
    ["max", sample.max],
    ["value", 0],
  ]);
}
