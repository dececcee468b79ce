/** Results as one line of JSON each, for scripts: real values, with what a terminal must not see escaped. Pure. */

import { type AnyRule, isGreen } from "../domain/rule.ts";
import { greenRuleObject, ruleObject } from "../rules/json.ts";
import type { StoredRule } from "../store/ruleRows.ts";
import { printableJson } from "../text/text.ts";
import { greenResultObject } from "./renderGreen.ts";
import {
  costsObject,
  exclusionObject,
  explanationObject,
  flapObject,
  migrationObject,
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
      return [...result.rules.map(ruleObject), ...result.chains.map(storedRuleObject)];
    case "green-rules":
      return result.rules.map(storedRuleObject);
    case "created":
      return { created: storedRuleObject(result.rule) };
    case "deleted":
      return { deleted: result.rules.map(deletedName) };
    case "altered":
      return { altered: storedRuleObject(result.after), before: storedRuleObject(result.before) };
    case "switched":
      return { switched: storedRuleObject(result.rule), changed: result.changed };
    case "rule-history":
      return result.changes;
    case "subjects":
      return result.subjects;
    case "pool":
      return { ...result.pool, hosts: result.hosts.length, vms: result.vms.length };
    case "collection":
      return { ...result.collection, ageSeconds: result.ageSeconds };
    case "migrations":
      return result.migrations.map((each) => migrationObject(each, result.names));
    case "migration":
      return migrationObject(result.found, result.names);
    case "green":
      return greenResultObject(result);
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

/** A rule with its number, where it has one. */
function storedRuleObject({ id, rule }: StoredRule<AnyRule>): object {
  const object = isGreen(rule) ? greenRuleObject(rule) : ruleObject(rule);
  return id === null ? object : { id, ...object };
}

/** A rule of HostRule goes by its subject, any other by its number. */
function deletedName({ id, rule }: StoredRule<AnyRule>): string | number | null {
  return "subject" in rule ? rule.subject : id;
}

function vmSummary({ vm, host }: VmOnHost): unknown {
  const { uuid, name, powerState, isControlDomain } = vm;
  return { uuid, name, powerState, isControlDomain, hostUuid: host?.uuid ?? null };
}

function vmObject({ vm, host, infeasiblePairs }: VmOnHost): unknown {
  const infeasible = infeasiblePairs.map(({ hostUuid, reason }) => ({ hostUuid, reason }));
  return { ...vm, hostUuid: host?.uuid ?? null, bars: infeasible };
}

function hostSummary({ host, vms }: HostWithVms): unknown {
  const { uuid, name, ip, enabled, live, isMaster, read } = host;
  return { uuid, name, ip, enabled, live, isMaster, read, vms: vms.length };
}
