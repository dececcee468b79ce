/** The rules of a whole pool with a VM on one host, by evaluating all of them over all hosts: what rankings find by difference. */
import { withDerived } from "../../../src/domain/derived.ts";
import { evaluate, termLimit } from "../../../src/domain/deviation.ts";
import type { Snapshot, Uuid, Vm } from "../../../src/domain/pool.ts";
import { type Rule, termsOf } from "../../../src/domain/rule.ts";
import { noUuid } from "../../../src/domain/vmSize.ts";
import { type Floors, type Harm, harmsOf } from "../../../src/planner/evacuate/harm.ts";
import type { RankedRule } from "../../../src/planner/place/ranking.ts";
import { inOrder } from "../../../src/planner/problem.ts";
import { hostsAfter } from "../../../src/planner/tell/outcome.ts";

export interface WholeRules {
  readonly rules: readonly RankedRule[];
  readonly harms: readonly Harm[];
}

/** For each host that `vm` is put on: its rules, and what the VM there does to the rules of any host. */
export function wholeRules(
  pool: Snapshot,
  rules: readonly Rule[],
  vm: Vm,
  floors: Floors,
): (host: Uuid) => WholeRules {
  const snapshot = withDerived(inOrder(pool));
  const source = snapshot.placements.find(({ vmUuid }) => vmUuid === vm.uuid)?.hostUuid ?? noUuid;
  const hostsWith = (destination: Uuid) =>
    source === destination
      ? snapshot.hosts
      : hostsAfter({ ...snapshot, vms: [vm] }, [{ vm: vm.uuid, source, destination }]);
  const before = rules.map((rule) => evaluate(hostsWith(noUuid), rule));
  return (host) => {
    const after = rules.map((rule) => evaluate(hostsWith(host), rule));
    return {
      rules: after.map(({ rule, means, verdicts }): RankedRule => {
        const found = verdicts.find(({ hostUuid }) => hostUuid === host);
        const term = termsOf(rule)[found?.term ?? 0];
        if (found === undefined || term === undefined)
          return { rule, term: 0, value: null, mean: null, limit: null, broken: false };
        const mean = means[found.term] ?? null;
        const { value, broken } = found;
        return { rule, term: found.term, value, mean, limit: termLimit(term, mean), broken };
      }),
      harms: harmsOf(before, after, [{ destination: host }], floors),
    };
  };
}
