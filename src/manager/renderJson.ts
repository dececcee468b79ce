/** Results as one line of JSON each, for scripts: real values, with what a terminal must not see escaped. Pure. */

import { printableJson } from "../text.ts";
import {
  costsObject,
  exclusionObject,
  explanationObject,
  flapObject,
  migrationObject,
  ruleObject,
  statusObject,
} from "./renderJsonControl.ts";
import type { HostWithVms, Result, VmOnHost } from "./result.ts";

/** `result` as one line of JSON. Names are the real ones; a reader of JSON gets them back unchanged. */
export function renderJson(result: Result): string {
  return printableJson(jsonOf(result));
}

function jsonOf(result: Result): unknown {
  switch (result.kind) {
    case "vms":
      return result.vms.map(vmSummary);
    case "vm":
      return vmObject(result.found);
    case "hosts":
      return result.hosts.map(hostSummary);
    case "host":
      return { ...result.found.host, vms: result.found.vms.map(({ uuid, name }) => ({ uuid, name })) };
    case "rules":
      return result.rules.map(ruleObject);
    case "created":
      return { created: ruleObject(result.rule) };
    case "deleted":
      return { deleted: result.subjects };
    case "pool":
      return { ...result.pool, hosts: result.hosts.length, vms: result.vms.length };
    case "collection":
      return { ...result.collection, ageSeconds: result.ageSeconds };
    case "migrations":
      return result.migrations.map((each) => migrationObject(each, result.names));
    case "migration":
      return migrationObject(result.found, result.names);
    case "costs":
      return costsObject(result);
    case "flaps":
      return {
        days: result.days,
        count: result.flaps.length,
        flaps: result.flaps.map((flap) => flapObject(flap, result.names)),
      };
    case "exclusions":
      return result.exclusions.map((each) => exclusionObject(each, result.names));
    case "plan":
      return result.object;
    case "explanation":
      return explanationObject(result);
    case "status":
      return statusObject(result);
    case "paused":
      return { paused: result.pause, openMigrations: result.open };
    case "resumed":
      return { resumed: result.wasPaused };
    case "excluded":
      return { excluded: { ...result.exclusion, reason: result.reason } };
    case "included":
      return { included: result.exclusion };
  }
}

function vmSummary({ vm, host }: VmOnHost): unknown {
  const { uuid, name, powerState, isControlDomain } = vm;
  return { uuid, name, powerState, isControlDomain, hostUuid: host?.uuid ?? null };
}

function vmObject({ vm, host, bars }: VmOnHost): unknown {
  const barred = bars.map(({ hostUuid, reason }) => ({ hostUuid, reason }));
  return { ...vm, hostUuid: host?.uuid ?? null, bars: barred };
}

function hostSummary({ host, vms }: HostWithVms): unknown {
  const { uuid, name, ip, enabled, live, isMaster, read } = host;
  return { uuid, name, ip, enabled, live, isMaster, read, vms: vms.length };
}
