/** Results as one line of JSON each, for scripts: real values, with what a terminal must not see escaped. Pure. */

import { type Rule, subjectUnit } from "../rule.ts";
import { printableJson } from "../text.ts";
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

function ruleObject(rule: Rule): unknown {
  return { subject: rule.subject, threshold: rule.threshold, unit: subjectUnit[rule.subject] };
}
