/** Rules of any shape come back from their text as they were. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AnySubject,
  asSingle,
  type GreenRule,
  namedSubjects,
  type Rule,
  type Term,
  unitOf,
} from "../../src/domain/rule.ts";
import { ruleFromObject, ruleObject } from "../../src/rules/json.ts";
import { nonsenseOf } from "../../src/rules/lint.ts";
import { parseGreenRule, parseRule, parseServeRule } from "../../src/rules/parse.ts";
import { describeRule, printGreenRule, printRule, printServeRule } from "../../src/rules/print.ts";
import { printable } from "../../src/text/text.ts";
import { someOf } from "../support/runs.ts";

const sources = [
  "loadavg",
  "cpu0",
  "pif_eth1_rx",
  "pif_eth1_tx",
  "cpu0-C1",
  "memory_free_kib",
  "CPU0-avg-freq",
];
const subject = fc.constantFrom(...[...namedSubjects, ...sources].map((name) => name as AnySubject));
const sums = [
  ["PifEth0RxKb", "PifEth0TxKb"],
  ["CpuWait", "CpuAverage"],
  ["pif_eth1_rx", "pif_eth1_tx"],
] as readonly (readonly AnySubject[])[];
const amount = fc.oneof(
  fc
    .double({ min: 0, max: 99, noNaN: true, noDefaultInfinity: true })
    .map((value) => Math.round(value * 1e6) / 1e6),
  fc.integer({ min: 0, max: 1_000_000_000 }),
);
const term: fc.Arbitrary<Term> = fc.record({
  subjects: fc.oneof(
    subject.map((each) => [each]),
    fc.constantFrom(...sums),
  ),
  condition: fc.constantFrom("more than mean", "above", "below"),
  amount,
});
const text = (longest: number) =>
  fc
    .string({ unit: "grapheme", minLength: 1, maxLength: longest })
    .filter((each) => printable(each) === each && each.trim() === each && each.length <= longest);
const name = text(40).filter(
  (each) => !/^\d+$|^all$/i.test(each) && !/^[a-z]/i.test(each.slice(1)) && each.includes(" "),
);
const minutes = fc.integer({ min: 0, max: 1439 });
const options = fc.record({
  between: fc.option(fc.record({ from: minutes, to: minutes }).filter(({ from, to }) => from !== to)),
  name: fc.option(fc.oneof(name, fc.constantFrom("night", 'he said "now"', "it's", "AND"))),
  comment: fc.option(text(200)),
  enabled: fc.boolean(),
});
const chain: fc.Arbitrary<Rule> = fc
  .record({
    terms: fc.array(term, { minLength: 1, maxLength: 3 }),
    repeat: fc.option(
      fc
        .record({ broken: fc.integer({ min: 1, max: 60 }), of: fc.integer({ min: 1, max: 60 }) })
        .filter(({ broken, of }) => broken <= of),
    ),
    options,
  })
  .map(({ options: more, ...rule }) => ({ ...rule, ...more }))
  .filter((rule) => nonsenseOf(rule) === null)
  .map((rule) => asSingle(rule) ?? rule);

describe("a rule about hosts", () => {
  it("is read from its own text as it was", () => {
    fc.assert(
      fc.property(chain, (rule) => {
        expect(parseRule(printRule(rule))).toEqual(rule);
      }),
      { numRuns: someOf(500) },
    );
  });

  it("is read whatever the case of its keywords and the blanks between them", () => {
    fc.assert(
      fc.property(chain, (rule) => {
        const written = printRule({ ...rule, ...("name" in rule ? { name: null, comment: null } : {}) });
        const loose = written
          .replace(/\b(AND|FOR|OF|BETWEEN|ABOVE|BELOW|DISABLED)\b/g, (word) => word.toLowerCase())
          .replaceAll(" + ", "+")
          .replaceAll(" > ", ">")
          .replaceAll(" ", "  ");
        expect(parseRule(loose)).toEqual(parseRule(written));
      }),
    );
  });

  it("is read from the sentence in which SHOW RULES HOST tells its condition", () => {
    fc.assert(
      fc.property(chain, (rule) => {
        const bare = "terms" in rule ? (asSingle({ ...rule, ...plain }) ?? { ...rule, ...plain }) : rule;
        expect(parseRule(describeRule(bare))).toEqual(bare);
      }),
    );
  });

  it("comes back from its JSON", () => {
    fc.assert(
      fc.property(chain, (rule) => {
        const object = JSON.parse(JSON.stringify(ruleObject(rule)));
        expect(ruleFromObject(object)).toEqual(rule);
      }),
    );
  });

  it("is a rule or a problem whatever is written, never an exception", () => {
    const word = fc.oneof(
      fc.constantFrom(
        "CpuAverage",
        "AND",
        ">",
        "+",
        "ABOVE",
        "BELOW",
        "25",
        "%",
        "FOR",
        "5",
        "OF",
        "BETWEEN",
        '"',
        "22:00",
        "NAME",
        "x",
      ),
      fc.string({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 14 }), (words) => {
        for (const parse of [parseRule, parseGreenRule]) {
          const read = parse(words.join(" "));
          if ("kind" in read) expect(read.message).toBe(printable(read.message));
        }
      }),
      { numRuns: someOf(3000) },
    );
  });
});

const plain = { between: null, name: null, comment: null, enabled: true, repeat: null };

describe("a rule that gathers VMs", () => {
  const limits = fc
    .uniqueArray(
      fc.oneof(
        fc.record({
          kind: fc.constant("below" as const),
          subject: fc.constantFrom("CpuAverage" as const, "PifEth0RxKb" as const),
          value: fc.integer({ min: 1, max: 100 }),
        }),
        fc.record({ kind: fc.constant("memory free" as const), percent: fc.integer({ min: 0, max: 99 }) }),
      ),
      { minLength: 1, maxLength: 3, selector: (limit) => (limit.kind === "below" ? limit.subject : "") },
    )
    .filter((all) => all.every((limit) => limit.kind !== "below" || unitOf(limit.subject) !== ""));
  const green: fc.Arbitrary<GreenRule> = fc
    .record({ limits, spareHosts: fc.integer({ min: 0, max: 20 }), options })
    .map(({ options: more, ...rule }) => ({ ...rule, ...more }));

  it("is read from its own text as it was", () => {
    fc.assert(
      fc.property(green, (rule) => {
        expect(parseGreenRule(printGreenRule(rule))).toEqual(rule);
      }),
    );
  });
});

describe("a rule that serves VMs", () => {
  it("is read from its own text as it was", () => {
    const serve = fc
      .record({
        worth: fc.double({ min: 0, max: 99, noNaN: true }).map((value) => Math.round(value * 1e6) / 1e6),
        overMinutes: fc.integer({ min: 10, max: 1440 }),
        options,
      })
      .map(({ options: more, ...rule }) => ({ serve: "CPU" as const, ...rule, ...more }));
    fc.assert(
      fc.property(serve, (rule) => {
        expect(parseServeRule(printServeRule(rule))).toEqual(rule);
      }),
      { numRuns: someOf(300) },
    );
  });
});
