/** The snapshot's text: what is written reads back as the same, whatever names there are; errors name their line. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/domain/errors.ts";
import { asUuid, type Host, type Snapshot, type Vm } from "../../src/domain/pool.ts";
import { parseSnapshot, printSnapshot, type SnapshotDocument } from "../../src/snapshot/text.ts";
import { aHost, aSnapshot, aVm, chapterSix, uuid } from "../support/fixtures.ts";

const takenAt = new Date("2026-03-01T12:34:56.789Z");
const whole = (snapshot: Snapshot): SnapshotDocument => ({ snapshot, takenAt, complete: true });
const byUuid = (a: { uuid: string }, b: { uuid: string }) => (a.uuid < b.uuid ? -1 : 1);

/** Any string of UTF-16: lone surrogates, controls, bidi, quotes, line ends, and words of the format itself. */
const hostile = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    '"',
    "\\",
    '\\"',
    "a\nvm b",
    "\r\n.",
    "From here",
    " ",
    "-",
    "\\u{41}",
    "=",
    "[]",
    "\u2028",
    "\ufeff",
    "e\u0301",
  ),
);
const measure = fc.oneof(
  fc.constant(null),
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const anyUuid = fc.uuid().map(asUuid);

const anyHost: fc.Arbitrary<Host> = fc.record({
  uuid: anyUuid,
  name: hostile,
  ip: fc.option(hostile),
  cpuNum: measure,
  memoryTotalMb: measure,
  memoryFreeMb: measure,
  xapiMemoryUsageMb: measure,
  xapiFreeMemoryMb: measure,
  pifLoRxKb: measure,
  pifLoTxKb: measure,
  pifEth0RxKb: measure,
  pifEth0TxKb: measure,
  dom0LoadAvg: measure,
  cpuAverage: measure,
  enabled: fc.boolean(),
  live: fc.boolean(),
  isMaster: fc.boolean(),
  version: hostile,
  placementFreeBytes: measure,
  powerOnMode: hostile,
  cpuMhz: fc.option(fc.integer({ min: 1, max: 9999 })),
  read: fc.boolean(),
});
const anyVm: fc.Arbitrary<Vm> = fc.record({
  uuid: anyUuid,
  name: hostile,
  vcpuNum: measure,
  powerState: hostile,
  isControlDomain: fc.boolean(),
  memoryMb: measure,
  memoryInternalFreeMb: measure,
  vif0TxKb: measure,
  vif0RxKb: measure,
  vcpuAverage: measure,
  placementBytes: measure,
  copyBytes: measure,
  tags: fc.array(hostile, { maxLength: 3 }),
  migratingTo: fc.option(anyUuid),
  shrinksToBytes: fc.option(fc.integer({ min: 0 })),
  hasTools: fc.boolean(),
  immovable: fc.option(hostile),
  haPriority: hostile,
  antiAffinityGroups: fc.array(hostile, { maxLength: 3 }),
});
const anySnapshot: fc.Arbitrary<Snapshot> = fc
  .tuple(
    fc.record({
      uuid: anyUuid,
      name: hostile,
      haEnabled: fc.boolean(),
      haTolerance: fc.option(fc.nat(3)),
      haPlannedFor: fc.option(fc.nat(3)),
      wlbEnabled: fc.boolean(),
      rollingUpgrade: fc.boolean(),
    }),
    fc.uniqueArray(anyHost, { minLength: 1, maxLength: 4, selector: (host) => host.uuid }),
    fc.uniqueArray(anyVm, { maxLength: 6, selector: (vm) => vm.uuid }),
    fc.infiniteStream(fc.nat()),
    hostile,
  )
  .map(([pool, hosts, vms, chance, reason]) => {
    const pick = () => hosts[(chance.next().value ?? 0) % hosts.length]?.uuid ?? uuid(0);
    return {
      pool,
      hosts: hosts.toSorted(byUuid),
      vms: vms.toSorted(byUuid),
      placements: vms
        .map((vm) => ({ hostUuid: pick(), vmUuid: vm.uuid }))
        .sort((a, b) => (a.hostUuid + a.vmUuid < b.hostUuid + b.vmUuid ? -1 : 1)),
      infeasiblePairs: vms.toSorted(byUuid).map((vm) => ({ vmUuid: vm.uuid, hostUuid: pick(), reason })),
    };
  });

describe("a snapshot written and read", () => {
  it("is the same again, whatever its names and numbers are", () => {
    fc.assert(
      fc.property(anySnapshot, fc.boolean(), (snapshot, complete) => {
        const document = { snapshot, takenAt, complete };
        expect(parseSnapshot(printSnapshot(document))).toEqual(document);
      }),
      { numRuns: 300 },
    );
  });

  it("is a text of printable ASCII, no line of which ends in a blank", () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        expect(printSnapshot(whole(snapshot))).toMatch(/^(?:[ -~]*[!-~]\n)+$/);
      }),
    );
  });

  it("survives CRLF, blank lines, a byte order mark and comments", () => {
    const text = printSnapshot(whole(chapterSix().snapshot));
    const mailed = `\ufeff# from the customer\r\n${text.replaceAll("\n", "\r\n")}\r\n\r\n`;
    expect(printSnapshot(parseSnapshot(mailed))).toBe(text);
  });

  it("is the same text whatever the order of the lists", () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        const { hosts, vms, placements, infeasiblePairs } = snapshot;
        const turned = {
          ...snapshot,
          hosts: hosts.toReversed(),
          vms: vms.toReversed(),
          placements: placements.toReversed(),
          infeasiblePairs: infeasiblePairs.toReversed(),
        };
        expect(printSnapshot(whole(turned))).toBe(printSnapshot(whole(snapshot)));
      }),
    );
  });

  it("has one line an object, and one changed measure changes one line", () => {
    const vm = aVm({ uuid: uuid(11), name: "web\n1", vcpuAverage: 1 / 3 });
    const make = (each: Vm) =>
      printSnapshot(
        whole(aSnapshot([[aHost({ uuid: uuid(1), name: "Käfig" }), [each, aVm({ uuid: uuid(12) })]]])),
      );
    const [before, after] = [make(vm), make({ ...vm, vcpuAverage: 0.5 })].map((text) => text.split("\n"));
    expect(before?.[3]).toContain('"K\\u{e4}fig"');
    expect(before?.[4]).toMatch(/^vm \S+ "web\\u\{a\}1" .*vcpuAverage=0\.3333333333333333 /);
    expect(before?.filter((line, index) => line !== after?.[index])).toHaveLength(1);
  });
});

describe("a text that is no snapshot", () => {
  const good = printSnapshot(whole(chapterSix().snapshot));
  const problemsOf = (text: string): string => {
    try {
      parseSnapshot(text, "pool.txt");
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      return (error as AppError).message;
    }
    return "no problem";
  };

  it.each([
    ["an empty text", () => "", "pool.txt:1: the text is empty"],
    [
      "another kind",
      () => "<xml/>\n<more/>",
      'pool.txt:1: this is no snapshot: its first line must be "xcp-balance-snapshot 1"',
    ],
    [
      "a newer format",
      () => good.replace("snapshot 1", "snapshot 2"),
      "pool.txt:1: format version 2 is not known; this program reads 1",
    ],
    [
      "a cut text",
      () => good.split("\n").slice(0, -2).join("\n"),
      'pool.txt:11: the line "end" is missing: the text was cut off',
    ],
    [
      "a lost line",
      () => good.split("\n").toSpliced(3, 1).join("\n"),
      "pool.txt:11: 2 hosts were written, 1 are here",
    ],
    [
      "a cut line",
      () => good.replace(/"Host2".*/, '"Hos'),
      /^pool\.txt:4: cannot read "\\?"Hos" \(an open quote, a line cut off\?\)/,
    ],
    [
      "a bad number",
      () => good.replace("cpuAverage=100", "cpuAverage=1OO"),
      "pool.txt:4: cpuAverage=1OO: must be a number",
    ],
    [
      "a bad flag",
      () => good.replace("isMaster=yes", "isMaster=true"),
      "pool.txt:5: isMaster=true: must be yes or no",
    ],
    ["a missing value", () => good.replace(" cpuAverage=100", ""), "pool.txt:4: host lacks cpuAverage="],
    [
      "an unknown value",
      () => good.replace("cpuAverage=100", "cpuAverage=100 cpus=4"),
      'pool.txt:4: host has no "cpus"',
    ],
    [
      "an unknown word",
      () => good.replace(/^place/m, "placed"),
      /^pool\.txt:9: unknown word placed; a line begins with/,
    ],
    ["a bad escape", () => good.replace('"Host2"', '"Host\\x2"'), /^pool\.txt:4: \\x is no escape/],
    [
      "a double object",
      () => good.replace(/^(vm .*)$/m, "$1\n$1"),
      /^pool\.txt:7: the vm \S+ is there twice/,
    ],
    [
      "a place nowhere",
      () => good.replace(/^(place \S+) .*$/m, `$1 ${uuid(77)}`),
      new RegExp(`there is no host ${uuid(77)}`),
    ],
  ])("with %s is refused with its line and the reason", (_, text, reason) => {
    const problems = problemsOf(text());
    if (typeof reason === "string") expect(problems.split("\n")).toContain(reason);
    else expect(problems).toMatch(reason);
  });

  it("has all its problems reported together", () => {
    const text = good.replace("cpuAverage=100", "cpuAverage=x").replace("isMaster=yes", "isMaster=maybe");
    expect(problemsOf(text).split("\n")).toEqual([
      "pool.txt:4: cpuAverage=x: must be a number",
      "pool.txt:5: isMaster=maybe: must be yes or no",
      expect.stringContaining("hosts were written"),
    ]);
  });
});
