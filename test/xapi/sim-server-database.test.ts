/** The simulator's database: both ends of relations, uuids, and what its journal remembers. */
import { describe, expect, test } from "vitest";
import { ObjectDatabase } from "../../src/simulator/objects/database.ts";
import { fieldSpec, nullRef, relations } from "../../src/simulator/objects/datamodel.ts";

function database(): ObjectDatabase {
  let minted = 0;
  return new ObjectDatabase(() => `uuid-${++minted}`);
}
const failure = (code: string, ...params: string[]) => expect.objectContaining({ code, params });

describe("relations", () => {
  test("every relation of the datamodel joins a ref or a set of refs with a set of refs", () => {
    for (const { cls, field, target, inverse } of relations) {
      expect([`ref:${target}`, `set:ref:${target}`]).toContain(fieldSpec(cls, field).wire);
      expect(fieldSpec(target, inverse).wire).toBe(`set:ref:${cls}`);
    }
  });

  test("a VM that moves leaves one host's list and joins the other's; a halted one is on none", () => {
    const db = database();
    const [a, b] = [db.create("host", {}), db.create("host", {})];
    const vm = db.create("VM", { resident_on: a });
    expect(db.list("host", a, "resident_VMs")).toEqual([vm]);
    db.set("VM", vm, "resident_on", b);
    expect([db.list("host", a, "resident_VMs"), db.list("host", b, "resident_VMs")]).toEqual([[], [vm]]);
    db.set("VM", vm, "resident_on", nullRef);
    expect(db.list("host", b, "resident_VMs")).toEqual([]);
  });

  test("objects may be created before those they point at", () => {
    const db = database();
    const vbd = db.create("VBD", { VM: "OpaqueRef:later" });
    const moved = db.create("VBD", { VM: "OpaqueRef:later" });
    db.set("VBD", moved, "VM", nullRef);
    db.create("VM", {}, "OpaqueRef:later");
    expect(db.list("VM", "OpaqueRef:later", "VBDs")).toEqual([vbd]);
  });

  test("a set of refs is kept at the other end as well", () => {
    const db = database();
    const [a, b] = [db.create("VM_group", {}), db.create("VM_group", {})];
    const vm = db.create("VM", { groups: [a, b] });
    db.set("VM", vm, "groups", [b]);
    expect([db.list("VM_group", a, "VMs"), db.list("VM_group", b, "VMs")]).toEqual([[], [vm]]);
  });

  test("a destroyed object is gone from the lists it was in, by ref and by uuid", () => {
    const db = database();
    const host = db.create("host", {});
    const vm = db.create("VM", { resident_on: host, uuid: "known" });
    expect(db.byUuid("VM", "known")).toBe(vm);
    db.destroy("VM", vm);
    expect(db.list("host", host, "resident_VMs")).toEqual([]);
    expect(() => db.get("VM", vm, "uuid")).toThrow(failure("HANDLE_INVALID", "VM", vm));
    expect(() => db.byUuid("VM", "known")).toThrow(failure("UUID_INVALID", "VM", "known"));
  });
});

describe("values", () => {
  test("a new object has a uuid, the datamodel's defaults, and no field of another class", () => {
    const db = database();
    const vm = db.record("VM", db.create("VM", {}));
    expect(vm).toMatchObject({
      power_state: "Halted",
      HVM_shadow_multiplier: 1,
      suspend_VDI: nullRef,
      tags: [],
    });
    expect(vm["uuid"]).toMatch(/^uuid-/);
    expect(() => db.create("VM", { address: "x" })).toThrow("no field VM.address");
  });
});

describe("the journal", () => {
  test("tells each object once, in the order of its last change, and nothing older than asked for", () => {
    const db = database();
    const [a, b] = [db.create("VM", {}), db.create("VM", {})];
    const before = db.journal.generation;
    db.set("VM", a, "name_label", "1");
    db.set("VM", b, "name_label", "1");
    db.set("VM", a, "name_label", "2");
    expect(db.journal.since(before).map(({ ref, operation }) => [ref, operation])).toEqual([
      [b, "mod"],
      [a, "mod"],
    ]);
    expect(db.journal.since(db.journal.generation)).toEqual([]);
    expect(db.journal.since(0).map(({ operation }) => operation)).toEqual(["add", "add"]);
  });

  test("an object that was destroyed and made again is told as new, not as gone", () => {
    const db = database();
    const vm = db.create("VM", {});
    const before = db.journal.generation;
    db.destroy("VM", vm);
    db.create("VM", {}, vm);
    expect(db.journal.since(before).map(({ operation }) => operation)).toEqual(["add"]);
  });

  test("a hundred thousand changes later it still knows the last of each, and of deletions the recent ones", () => {
    const db = database();
    const [a, b] = [db.create("VM", {}), db.create("VM", {})];
    db.destroy("VM", b);
    const before = db.journal.generation;
    for (let count = 0; count < 100_000; count += 1) db.set("VM", a, "user_version", count);
    const brief = db.create("task", {});
    const afterwards = db.journal.generation;
    db.destroy("task", brief);
    expect(db.journal.since(before).map(({ ref }) => ref)).toEqual([a]);
    expect(db.journal.since(afterwards).map(({ operation, ref }) => [operation, ref])).toEqual([
      ["del", brief],
    ]);
  });

  test("listeners hear of a change when all of it is done, and of nothing where nothing changed", () => {
    const db = database();
    const [a, b] = [db.create("host", {}), db.create("host", {})];
    const vm = db.create("VM", { resident_on: a });
    const heard: (readonly string[])[] = [];
    const stop = db.journal.onChange(() => heard.push(db.list("host", b, "resident_VMs")));
    db.set("VM", vm, "resident_on", b);
    db.set("VM", vm, "resident_on", b);
    stop();
    db.set("VM", vm, "resident_on", a);
    expect(heard).toEqual([[vm]]);
  });
});
