/** Values of hosts that follow from the guests placed on them: how many there are, how long they waited. Pure. */
import type { Host, Snapshot, Uuid, Vm } from "./pool.ts";
import { type NamedSubject, namedSubjects, type Rule, subjectFacts, subjectsOf } from "./rule.ts";

/** The subjects whose values follow from the guests. */
export const derivedSubjects: readonly NamedSubject[] = namedSubjects.filter(
  (subject) => subjectFacts[subject].value.from === "guests",
);

/** Whether some of the rules compare hosts by what follows from their guests. */
export function areDerived(rules: readonly Rule[]): boolean {
  return subjectsOf(rules).some((subject) => (derivedSubjects as readonly string[]).includes(subject));
}

/** The snapshot with derived values where some of the rules ask for them; else as it is. */
export function derivedFor(snapshot: Snapshot, rules: readonly Rule[]): Snapshot {
  return areDerived(rules) ? withDerived(snapshot) : snapshot;
}

/** The snapshot with the derived values of every host, by where the VMs are placed in it. */
export function withDerived(snapshot: Snapshot): Snapshot {
  const vms = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
  const guests = new Map<Uuid, Vm[]>(snapshot.hosts.map(({ uuid }) => [uuid, []]));
  for (const { vmUuid, hostUuid } of snapshot.placements) {
    const vm = vms.get(vmUuid);
    if (vm !== undefined && !vm.isControlDomain) guests.get(hostUuid)?.push(vm);
  }
  const known = derivedSubjects.filter((subject) => isKnown(subject, guests));
  const hosts = snapshot.hosts.map((host): Host => {
    const own = guests.get(host.uuid) ?? [];
    const derived: Record<string, number | null> = {};
    for (const subject of derivedSubjects) {
      derived[subject] = known.includes(subject) ? sumOf(subject, host, own) : null;
    }
    return { ...host, derived };
  });
  return { ...snapshot, hosts };
}

/** Where a measure is recorded of no VM, the value of an empty host is no 0 either: nobody would see it rise. */
function isKnown(subject: NamedSubject, guests: ReadonlyMap<Uuid, readonly Vm[]>): boolean {
  const { value, weight } = subjectFacts[subject];
  if (value.from !== "guests" || value.record === null) return true;
  return [...guests.values()].some((own) => own.some((vm) => weight(vm) !== null));
}

/** In the subject's unit; null where it is unknown of one guest. */
function sumOf(subject: NamedSubject, host: Host, guests: readonly Vm[]): number | null {
  const { weight, capacity } = subjectFacts[subject];
  const size = capacity(host);
  if (size === null) return null;
  let sum = 0;
  for (const vm of guests) {
    const part = weight(vm);
    if (part === null) return null;
    sum += part;
  }
  return sum / size;
}
