/** Random pools and rules for the laws of the planner: equal and unequal hosts, several rules, infeasible pairs, tight memory. */
import fc from "fast-check";
import type { Host, InfeasiblePair, Snapshot, Vm } from "../../src/domain/pool.ts";
import { type SingleRule as Rule, subjects } from "../../src/domain/rule.ts";
import { aHost, aSnapshot, aVm, uuid } from "./fixtures.ts";

export const mebibyte = 1024 * 1024;

/** A measure that is sometimes unknown. */
const measured = (max: number) =>
  fc.oneof(
    { weight: 15, arbitrary: fc.integer({ min: 0, max }) },
    { weight: 1, arbitrary: fc.constant(null) },
  );
const mostly = fc.oneof(
  { weight: 12, arbitrary: fc.constant(true) },
  { weight: 1, arbitrary: fc.constant(false) },
);

const vmShape = fc.record({
  vcpuNum: fc.integer({ min: 1, max: 4 }),
  vcpuAverage: measured(100),
  memoryMb: fc.integer({ min: 128, max: 2048 }),
  vif0RxKb: measured(1000),
  vif0TxKb: measured(1000),
  immovable: fc.oneof(
    { weight: 8, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constant("VM_HAS_VGPU") },
  ),
  powerState: fc.oneof(
    { weight: 12, arbitrary: fc.constant("Running") },
    { weight: 1, arbitrary: fc.constant("Paused") },
  ),
});

const hostShape = fc.record({
  cpuNum: fc.constantFrom(4, 4, 4, 8, 16),
  freeMb: fc.integer({ min: 0, max: 4096 }),
  base: fc.integer({ min: 0, max: 20 }),
  enabled: mostly,
  live: mostly,
  read: mostly,
  known: mostly,
  vms: fc.array(vmShape, { maxLength: 8, size: "max" }),
});

type HostShape = Parameters<Parameters<typeof hostShape.map>[0]>[0];

function buildHost(shape: HostShape, index: number): readonly [Host, readonly Vm[]] {
  const dom0 = aVm({
    uuid: uuid(900 + index),
    isControlDomain: true,
    vcpuAverage: shape.base,
    vcpuNum: shape.cpuNum,
    memoryMb: 512,
  });
  const vms = shape.vms.map((fields, at) => aVm({ uuid: uuid(100 * (index + 1) + at), ...fields }));
  const sum = (weigh: (vm: Vm) => number) => vms.reduce((total, vm) => total + weigh(vm), 0);
  const used = 512 + sum((vm) => vm.memoryMb ?? 0);
  const host = aHost({
    uuid: uuid(index + 1),
    cpuNum: shape.cpuNum,
    cpuAverage: shape.known
      ? Math.min(100, shape.base + sum((vm) => ((vm.vcpuAverage ?? 0) * (vm.vcpuNum ?? 0)) / shape.cpuNum))
      : null,
    pifEth0RxKb: sum((vm) => vm.vif0RxKb ?? 0),
    pifEth0TxKb: sum((vm) => vm.vif0TxKb ?? 0),
    memoryTotalMb: used + shape.freeMb,
    memoryFreeMb: shape.freeMb,
    placementFreeBytes: shape.freeMb * mebibyte,
    enabled: shape.enabled,
    live: shape.live,
    read: shape.read,
  });
  return [host, [dom0, ...vms]];
}

/** Pools of one to six hosts, some of them out of service, with infeasible pairs and tight memory. */
export const pools: fc.Arbitrary<Snapshot> = fc
  .tuple(
    fc.array(hostShape, { minLength: 1, maxLength: 6, size: "max" }),
    fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 8 }),
  )
  .map(([shapes, infeasible]) => {
    const placed = shapes.map(buildHost);
    const vms = placed.flatMap(([, each]) => each);
    const infeasiblePairs: InfeasiblePair[] = infeasible.map(([vm, host]) => ({
      vmUuid: (vms[vm % vms.length] as Vm).uuid,
      hostUuid: uuid(1 + (host % shapes.length)),
      reason: "VM_REQUIRES_SR (local)",
    }));
    return aSnapshot(placed, { infeasiblePairs });
  });

/** One to four rules. */
export const ruleSets: fc.Arbitrary<readonly Rule[]> = fc
  .uniqueArray(fc.constantFrom(...subjects), { minLength: 1, maxLength: 4 })
  .chain((chosen) =>
    fc.tuple(
      ...chosen.map((subject) =>
        fc
          .integer({ min: 0, max: subject === "CpuAverage" ? 30 : 600 })
          .map((threshold) => ({ subject, threshold })),
      ),
    ),
  );
