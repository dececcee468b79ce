/** Subjects that rules compare hosts by and that no host has a value of: such a rule does nothing. Pure. */
import { withDerived } from "./derived.ts";
import { subjectValue } from "./deviation.ts";
import type { Snapshot } from "./pool.ts";
import { type AnySubject, isSource, parseAnySubject, subjectFacts } from "./rule.ts";

/** Those of `named` that no host has a value of; none while no host could be read at all. */
export function unmeasured(snapshot: Snapshot, named: readonly string[]): readonly AnySubject[] {
  const hosts = withDerived(snapshot).hosts.filter(({ live, read }) => live && read);
  const subjects = [...new Set(named.flatMap((name) => parseAnySubject(name) ?? []))];
  // A pool without guests has nothing to record of them.
  const hasGuests = snapshot.placements.length > hosts.length;
  return subjects.filter(
    (subject) =>
      hosts.length > 0 &&
      (hasGuests || isSource(subject) || subjectFacts[subject].value.from === "measures") &&
      !hosts.some((host) => subjectValue(host, subject) !== null),
  );
}

/** A line for each of them: what is missing and where it could come from. */
export function unmeasuredLines(snapshot: Snapshot, named: readonly string[]): readonly string[] {
  return unmeasured(snapshot, named).map((subject) => {
    const hint = recordHint(subject);
    const remedy = hint === null ? "" : `; it is known${hint}`;
    const head = `No host has a value of ${subject}: rules that compare it do nothing`;
    return `${head}${isOfInterface(subject) ? interfacesText(snapshot, subject) : remedy}.`;
  });
}

/** ", where ..." how to have the pool record it; null of what is always recorded. */
export function recordHint(subject: AnySubject): string | null {
  if (isSource(subject))
    return ", where the hosts have a data source of that name (xe host-data-source-list)";
  const { value } = subjectFacts[subject];
  return value.from === "guests" && value.record !== null ? ` ${value.record}` : null;
}

function isOfInterface(subject: AnySubject): boolean {
  return isSource(subject) ? /^pif_/.test(subject) : subjectFacts[subject].isOfEth0 === true;
}

/** "; the hosts' interfaces are eth0, eth1; CollectEth0Device ..." */
function interfacesText({ hosts }: Snapshot, subject: AnySubject): string {
  const names = [...new Set(hosts.flatMap(({ interfaces = [] }) => interfaces))].sort();
  const exist = names.length === 0 ? "" : `; the hosts' interfaces are ${names.join(", ")}`;
  if (isSource(subject)) return exist;
  return `${exist}; CollectEth0Device in the settings of xcp-collect names one of them, or is auto: each host's management interface`;
}
