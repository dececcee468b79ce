/** The first points after a migration are not counted. */
import { describe, expect, it } from "vitest";
import { ignoreUnsettled, type LastPlaces, type SettlingVm } from "../../src/decide/settling.ts";
import type { Snapshot, Uuid } from "../../src/domain/pool.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";

const [host1, host2] = [aHost({ uuid: uuid(1) }), aHost({ uuid: uuid(2) })];
const vm = aVm({ uuid: uuid(11), memoryMb: 400, vcpuAverage: 50, vif0RxKb: 7, copyBytes: 300 * 1024 * 1024 });
const other = aVm({ uuid: uuid(12), vcpuAverage: 60 });
const on = (host: typeof host1): Snapshot =>
  host === host1
    ? aSnapshot([
        [host1, [vm, other]],
        [host2, []],
      ])
    : aSnapshot([
        [host1, [other]],
        [host2, [vm]],
      ]);

function lastOf(snapshot: Snapshot, settling: readonly SettlingVm[] = []): LastPlaces {
  return {
    poolUuid: snapshot.pool.uuid,
    hostOf: new Map(snapshot.placements.map(({ vmUuid, hostUuid }): [Uuid, Uuid] => [vmUuid, hostUuid])),
    settling: new Map(settling.map((settlingVm) => [settlingVm.vmUuid, settlingVm])),
  };
}

const measured = ({ vms }: Snapshot) => vms.find(({ uuid }) => uuid === vm.uuid);
const arrived = { vmUuid: vm.uuid, hostUuid: host2.uuid };

describe("a VM that is on another host than before", () => {
  it("loses its measures, keeps its memory as recorded, and is remembered with the pool's time", () => {
    const { snapshot, settling } = ignoreUnsettled(on(host2), lastOf(on(host1)), 1000);
    expect(measured(snapshot)).toEqual({
      ...vm,
      memoryMb: 300,
      memoryInternalFreeMb: null,
      vif0RxKb: null,
      vif0TxKb: null,
      vcpuAverage: null,
    });
    expect(settling).toEqual([{ ...arrived, seenAtSeconds: 1000, isNew: true }]);
    expect(snapshot.vms.find(({ uuid }) => uuid === other.uuid)).toEqual(other);
    expect({ ...snapshot, vms: [] }).toEqual({ ...on(host2), vms: [] });
  });

  it.each([
    [1000, 1009, "doubted"],
    [1000, 1010, "believed"],
    [1000, 1, "believed"],
    [null, 1000, "believed"],
    [1000, null, "believed"],
  ])("and that was first seen there at %s is, at %s, %s", (seenAtSeconds, now, expected) => {
    const last = lastOf(on(host2), [{ ...arrived, seenAtSeconds, isNew: false }]);
    const { snapshot, settling } = ignoreUnsettled(on(host2), last, now);
    expect(measured(snapshot)?.vcpuAverage).toBe(expected === "doubted" ? null : 50);
    expect(settling).toEqual(expected === "doubted" ? [{ ...arrived, seenAtSeconds, isNew: false }] : []);
  });

  it("and goes back at once is doubted again from then on", () => {
    const last = lastOf(on(host2), [{ ...arrived, seenAtSeconds: 1000, isNew: false }]);
    expect(ignoreUnsettled(on(host1), last, 1005).settling).toEqual([
      { vmUuid: vm.uuid, hostUuid: host1.uuid, seenAtSeconds: 1005, isNew: true },
    ]);
  });
});

describe("a VM is believed", () => {
  it("where nothing was collected before, or another pool was", () => {
    expect(ignoreUnsettled(on(host2), null, 1000)).toEqual({ snapshot: on(host2), settling: [] });
    const elsewhere = { ...lastOf(on(host1)), poolUuid: uuid(77) };
    expect(ignoreUnsettled(on(host2), elsewhere, 1000)).toEqual({ snapshot: on(host2), settling: [] });
  });

  it("where it stayed, and where it is new or has just been started", () => {
    expect(ignoreUnsettled(on(host1), lastOf(on(host1)), 1000).settling).toEqual([]);
    const without = lastOf(aSnapshot([[host1, [other]]]));
    expect(ignoreUnsettled(on(host2), without, 1000).settling).toEqual([]);
  });
});
