import { describe, expect, it } from "vitest";
import { computed, joined, named, type Table, table } from "../../src/store/columns.ts";
import { flag, int, text, textList, uuid } from "../../src/store/columnTypes.ts";
import { hostTable } from "../../src/store/tables/Host.ts";
import { hostDetailTable } from "../../src/store/tables/HostDetail.ts";
import { aHost, uuid as aUuid } from "../support/fixtures.ts";

interface Two {
  readonly uuid: ReturnType<typeof aUuid>;
  readonly enabled: boolean;
  readonly live: boolean;
  readonly left: number | null;
}

const right: Table<Two> = table("Two", ["uuid"], {
  uuid: named("TwoUuid", uuid),
  enabled: flag,
  live: flag,
  left: named("VmsLeft", int),
});

/** The compiler refuses each of these; `tsc -p test` fails where it does not. Never called. */
export const refused: readonly (() => Table<Two>)[] = [
  () =>
    table("Two", ["uuid"], {
      uuid,
      // @ts-expect-error two booleans have changed their columns
      enabled: named("Live", flag),
      // @ts-expect-error
      live: named("Enabled", flag),
      left: int,
    }),
  () =>
    table("Two", ["uuid"], {
      uuid,
      // @ts-expect-error SQL does not tell the case apart
      enabled: named("live", flag),
      live: named("Alive", flag),
      left: int,
    }),
  // @ts-expect-error a field has no column
  () => table("Two", ["uuid"], { uuid, enabled: flag, left: int }),
  // @ts-expect-error a column of another type
  () => table("Two", ["uuid"], { uuid, enabled: int, live: flag, left: int }),
  // @ts-expect-error a text is no uuid
  () => table("Two", ["uuid"], { uuid: text, enabled: flag, live: flag, left: int }),
  // @ts-expect-error a column of no field
  () => table("Two", ["uuid"], { uuid, enabled: flag, live: flag, left: int, more: int }),
  // @ts-expect-error a key that is no field
  () => table("Two", ["id"], { uuid, enabled: flag, live: flag, left: int }),
];

describe("a table's list", () => {
  it("names the columns as the fields, or as it says, in its order", () => {
    expect([right.columns, right.keys, right.columnOf("left")]).toEqual([
      ["TwoUuid", "Enabled", "Live", "VmsLeft"],
      1,
      "VmsLeft",
    ]);
  });

  it("writes and reads by name, whatever the order of the fields is", () => {
    const object: Two = { live: true, left: 3, enabled: false, uuid: aUuid(1) };
    expect(right.row(object)).toEqual([aUuid(1), 0, 1, 3]);
    expect(right.read({ Live: 1, VmsLeft: "3", Enabled: 0, TwoUuid: aUuid(1) })).toEqual(object);
  });

  it("reads a column that is not there as unknown", () => {
    expect(right.read({ TwoUuid: aUuid(1), Enabled: 1 })).toEqual({
      uuid: aUuid(1),
      enabled: true,
      live: false,
      left: null,
    });
  });

  it("selects what it computes, and does not write it", () => {
    const aged: Table<{ readonly name: string; readonly age: number | null }> = table("Aged", ["name"], {
      name: text,
      age: computed("NOW() - Since", int),
    });
    expect([aged.columns, aged.selected]).toEqual([["Name"], "Name, NOW() - Since AS age"]);
    expect(aged.read({ Name: "a", age: "5" })).toEqual({ name: "a", age: 5 });
    expect(aged.row({ name: "a", age: 5 })).toEqual(["a"]);
    expect(() => aged.columnOf("age")).toThrow("Aged has no column for age");
  });

  it("is refused where the key does not stand first", () => {
    expect(() => table<Two>("Two", ["live"], { uuid, live: flag, enabled: flag, left: int })).toThrow(
      "its key does not stand first",
    );
  });

  it("names table, row and column of what makes no sense", () => {
    const tagged: Table<{ readonly uuid: Two["uuid"]; readonly tags: readonly string[] }> = table(
      "Tagged",
      ["uuid"],
      { uuid, tags: textList },
    );
    expect(() => tagged.read({ Uuid: aUuid(7), Tags: "x" })).toThrow(
      `table Tagged, the row with Uuid ${aUuid(7)}: its Tags is no JSON list of texts`,
    );
    expect(tagged.read({ Uuid: aUuid(7), Tags: '["a", 5]' }).tags).toEqual(["a"]);
  });
});

describe("a host in two tables", () => {
  const host = aHost({ uuid: aUuid(1), enabled: true, live: false, isMaster: true, read: false });
  const row = (of: { readonly columns: readonly string[] }, values: readonly unknown[]) =>
    Object.fromEntries(of.columns.map((column, at) => [column, values[at]]));

  it("comes back as it was", () => {
    const read = joined(hostTable, hostDetailTable);
    expect(
      read(row(hostTable, hostTable.row(host)), row(hostDetailTable, hostDetailTable.row(host))),
    ).toEqual(host);
  });

  it("has a field that need not be there only where the row has it", () => {
    const read = joined(hostTable, hostDetailTable);
    const doubted = { ...host, doubt: "all CPUs at exactly 100 %" };
    const back = (of: typeof host) =>
      read(row(hostTable, hostTable.row(of)), row(hostDetailTable, hostDetailTable.row(of)));
    expect([Object.keys(back(host)).includes("doubt"), back(doubted)]).toEqual([false, doubted]);
  });

  it("is neither enabled nor live nor read where nobody wrote its details", () => {
    const read = joined(hostTable, hostDetailTable)(row(hostTable, hostTable.row(host)), {});
    expect(read).toMatchObject({ uuid: host.uuid, enabled: false, live: false, read: false, version: "" });
  });
});
