/** What a VM that does not run used when it last ran, read from the history. Read only. */

import { asModelled } from "../decide/assess.ts";
import type { LastUse } from "../decide/placing.ts";
import { occupiesHost, type Snapshot, type StoredSnapshot, type Uuid, type Vm } from "../domain/pool.ts";
import type { ControlSettings } from "../settings/types.ts";
import type { Database } from "./connection.ts";
import { loadHistoryBackwards } from "./history.ts";

/** Collections that are looked through for it, and those that are averaged once it is found. */
const mostLookedThrough = 3000;
const mostSamples = 30;

/**
 * The measures of `vm` when it last ran, as means over the last samples of that; null where it runs, and where the
 * newest collections of the history do not know it as running.
 */
export async function loadLastUse(
  db: Database,
  { collection }: StoredSnapshot,
  vm: Pick<Vm, "uuid" | "powerState">,
  settings: Pick<ControlSettings, "cpuSpeed" | "squeeze">,
): Promise<LastUse | null> {
  if (occupiesHost(vm.powerState)) return null;
  const samples: Vm[] = [];
  let at: Date | null = null;
  for await (const past of loadHistoryBackwards(db, collection.poolUuid, mostLookedThrough)) {
    const found = runningIn(past.snapshot, vm.uuid);
    // A sample without measures is one of its first seconds: what comes before is another run of it.
    if (found === null && samples.length > 0) break;
    if (found === null) continue;
    at ??= past.collection.startedAt;
    samples.push(runningIn(asModelled(past.snapshot, settings), vm.uuid) ?? found);
    if (samples.length === mostSamples) break;
  }
  return at === null ? null : { measures: meansOf(samples), samples: samples.length, at };
}

/** The VM where it runs and is measured. */
function runningIn({ vms, placements }: Snapshot, uuid: Uuid): Vm | null {
  if (!placements.some(({ vmUuid }) => vmUuid === uuid)) return null;
  const vm = vms.find((each) => each.uuid === uuid);
  return vm === undefined || vm.vcpuAverage === null ? null : vm;
}

function meansOf(samples: readonly Vm[]): LastUse["measures"] {
  const mean = (measureOf: (vm: Vm) => number | null | undefined): number | null => {
    const known = samples.flatMap((vm) => measureOf(vm) ?? []);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  const [eth0RxKb, eth0TxKb, cpuWait] = [
    mean((vm) => vm.eth0RxKb),
    mean((vm) => vm.eth0TxKb),
    mean((vm) => vm.cpuWait),
  ];
  const eth0Vifs = samples[0]?.eth0Vifs;
  return {
    vcpuAverage: mean((vm) => vm.vcpuAverage),
    vif0RxKb: mean((vm) => vm.vif0RxKb),
    vif0TxKb: mean((vm) => vm.vif0TxKb),
    ...(cpuWait === null ? {} : { cpuWait }),
    ...(eth0Vifs === undefined ? {} : { eth0Vifs }),
    ...(eth0RxKb === null ? {} : { eth0RxKb }),
    ...(eth0TxKb === null ? {} : { eth0TxKb }),
  };
}
