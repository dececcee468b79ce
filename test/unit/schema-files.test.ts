/** The files of sql/, without a database: two branches that both take the next number meet here. */
import { expect, it } from "vitest";
import { expectedTables } from "../../src/store/schema/expected.ts";
import { readSchemaFiles } from "../../src/store/schema/files.ts";
import { snapshotTables } from "../../src/store/snapshotRows.ts";

const { files } = readSchemaFiles();

it("are numbered without a gap, and none twice", () => {
  expect(files.map(({ version }) => version)).toEqual(files.map((_, index) => index + 1));
});

it("make every column that a snapshot's table has, under that name", () => {
  const made = new Map(expectedTables(files).map((table) => [table.name, table.columns]));
  for (const { name, columns } of snapshotTables) {
    const names = made.get(name)?.map((column) => column.name) ?? [];
    expect([name, [...columns].sort()]).toEqual([name, [...names].sort()]);
  }
});
