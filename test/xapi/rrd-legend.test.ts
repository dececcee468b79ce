import fc from "fast-check";
import { expect, test } from "vitest";
import { newestValues, objectKey, parseRrdUpdates, type RrdLegend } from "../../src/xapi/rrd.ts";

interface Column {
  readonly cf: string;
  readonly kind: string;
  readonly uuid: string;
  readonly source: string;
  readonly value: number;
}

const column: fc.Arbitrary<Column> = fc.record({
  cf: fc.constantFrom("AVERAGE", "MAX"),
  kind: fc.constantFrom("host", "vm"),
  uuid: fc.constantFrom("u1", "u2"),
  source: fc.constantFrom("cpu0", "cpu1", "memory", "vif_0_rx", "a:b/c"),
  value: fc.oneof(fc.integer(), fc.constant(Number.NaN)),
});

const answer = (columns: readonly Column[]) =>
  `<xport><meta><step>5</step><end>10</end><legend>` +
  columns.map(({ cf, kind, uuid, source }) => `<entry>${cf}:${kind}:${uuid}:${source}</entry>`).join("") +
  `</legend></meta><data><row><t>10</t>${columns.map(({ value }) => `<v>${value}</v>`).join("")}</row></data></xport>`;

/** Column by column. */
function expected(columns: readonly Column[]): Map<string, Map<string, number>> {
  const found = new Map<string, Map<string, number>>();
  for (const { cf, kind, uuid, source, value } of columns) {
    if (cf !== "AVERAGE" || Number.isNaN(value)) continue;
    const key = objectKey(kind, uuid);
    found.set(key, (found.get(key) ?? new Map<string, number>()).set(source, value));
  }
  return found;
}

test("each column's newest value is found at its object, in whatever order the columns come", () => {
  const same = fc.array(fc.tuple(fc.array(column), fc.boolean()), { minLength: 1 });
  fc.assert(
    fc.property(same, (answers) => {
      let known: RrdLegend | undefined;
      for (const [columns, again] of answers) {
        for (let time = 0; time < (again ? 2 : 1); time++) {
          const updates = parseRrdUpdates(answer(columns), known);
          if (time === 1) expect(updates.legend).toBe(known);
          known = updates.legend;
          expect(updates.legend.width).toBe(columns.length);
          expect([...newestValues(updates, "AVERAGE")]).toEqual([...expected(columns)]);
        }
      }
    }),
  );
});

test("a row that does not fit its legend is refused, also where the legend is known", () => {
  const columns = [{ cf: "AVERAGE", kind: "host", uuid: "u", source: "cpu0", value: 1 }];
  const known = parseRrdUpdates(answer(columns)).legend;
  const cut = answer(columns).replace("<v>1</v>", "");
  expect(() => parseRrdUpdates(cut, known)).toThrow("a row has 0 values for 1 columns");
});
