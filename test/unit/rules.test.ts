/** The grammar of rules: every form, every refusal with its reason. */
import { describe, expect, it } from "vitest";
import { isWithin, minuteOfDay, overlap, parseTime, timeText } from "../../src/domain/hours.ts";
import { parseGreenRule, parseRule, parseServeRule } from "../../src/rules/parse.ts";
import { describeOptions, describeRule } from "../../src/rules/print.ts";
import { asked, messageFor } from "../support/asked.ts";

const plain = { repeat: null, between: null, name: null, comment: null, enabled: true };
const term = (subjects: string[], amount: number, condition = "more than mean") => ({
  subjects,
  condition,
  amount,
});

function refusal(text: string): string {
  const read = parseRule(text);
  return "kind" in read ? read.message : `it is a rule: ${JSON.stringify(read)}`;
}

describe("a chain", () => {
  it("of the thesis' first example acts when both CPU and memory pass a threshold", () => {
    expect(parseRule("CpuAverage > 25 AND OccupiedMemoryMb > 200")).toEqual({
      terms: [term(["CpuAverage"], 25), term(["OccupiedMemoryMb"], 200)],
      ...plain,
    });
  });

  it("of the thesis' second example is about incoming plus outgoing traffic", () => {
    expect(parseRule("PifEth0RxKb + PifEth0TxKb > 500")).toEqual({
      terms: [term(["PifEth0RxKb", "PifEth0TxKb"], 500)],
      ...plain,
    });
  });

  it.each([
    [
      "cpuaverage>25 and pifeth0rxkb+pifeth0txkb>500",
      [term(["CpuAverage"], 25), term(["PifEth0RxKb", "PifEth0TxKb"], 500)],
    ],
    [
      "CpuAverage > 25 % AND CpuAverage ABOVE 60 %",
      [term(["CpuAverage"], 25), term(["CpuAverage"], 60, "above")],
    ],
    [
      "OccupiedMemoryMb > 200 AND MemoryFreeMb BELOW 4096 MB",
      [term(["OccupiedMemoryMb"], 200), term(["MemoryFreeMb"], 4096, "below")],
    ],
    ["MemoryFreeMb below 4096", [term(["MemoryFreeMb"], 4096, "below")]],
    ["CpuAverage is above 60", [term(["CpuAverage"], 60, "above")]],
    ["VmCount > 3 VMs", [term(["VmCount"], 3)]],
    ["CpuWait > 5 AND loadavg ABOVE 2", [term(["CpuWait"], 5), term(["loadavg"], 2, "above")]],
    ["CpuAverage + CpuWait > 30", [term(["CpuAverage", "CpuWait"], 30)]],
    [
      "VmCount > 2 AND pif_eth1_rx + pif_eth1_tx > 500 B/s",
      [term(["VmCount"], 2), term(["pif_eth1_rx", "pif_eth1_tx"], 500)],
    ],
    [
      "CpuAverage ABOVE 60 AND CpuAverage BELOW 90",
      [term(["CpuAverage"], 60, "above"), term(["CpuAverage"], 90, "below")],
    ],
    [
      "CpuAverage is more than 25 % above the medium and OccupiedMemoryMb is more than 200 MB above the medium",
      [term(["CpuAverage"], 25), term(["OccupiedMemoryMb"], 200)],
    ],
  ])("%s is read", (text, terms) => {
    expect(parseRule(text)).toEqual({ terms, ...plain });
  });

  it.each([
    ["FOR 5 OF 6", { repeat: { broken: 5, of: 6 } }],
    ["for 1 of 1 samples", { repeat: { broken: 1, of: 1 } }],
    ["BETWEEN 22:00 AND 06:00", { between: { from: 1320, to: 360 } }],
    ["between 8:30 and 17:00", { between: { from: 510, to: 1020 } }],
    ['NAME "night shift"', { name: "night shift" }],
    ["NAME night", { name: "night" }],
    ['NAME "the ""big"" one"', { name: 'the "big" one' }],
    ['COMMENT "asked for by Anna: AND so on"', { comment: "asked for by Anna: AND so on" }],
    ["DISABLED", { enabled: false }],
    [
      'BETWEEN 22:00 AND 06:00 COMMENT "y" FOR 5 OF 6 NAME "x"',
      { repeat: { broken: 5, of: 6 }, between: { from: 1320, to: 360 }, name: "x", comment: "y" },
    ],
  ])("takes the option %s behind its terms", (written, option) => {
    const terms = [term(["CpuAverage"], 25)];
    expect(parseRule(`CpuAverage > 25 ${written}`)).toEqual({ terms, ...plain, ...option });
  });

  it("is the thesis' own rule where it says no more than that", () => {
    expect(parseRule("CpuAverage > 25")).toEqual({ subject: "CpuAverage", threshold: 25 });
    expect(parseRule("CpuAverage ABOVE 25")).toHaveProperty("terms");
    expect(parseRule("VmCount > 25")).toHaveProperty("terms");
  });

  it("is told in the thesis' voice", () => {
    const rule = parseRule("CpuAverage > 25 AND MemoryFreeMb BELOW 4096 FOR 5 OF 6 BETWEEN 22:00 AND 06:00");
    if (!("terms" in rule)) throw new Error("no chain");
    expect(describeRule(rule)).toBe(
      "CpuAverage is more than 25 % above the medium and MemoryFreeMb is below 4096 MB",
    );
    expect(describeOptions(rule)).toBe("in 5 of 6 samples, between 22:00 and 06:00");
  });
});

describe("what is no rule is refused with the reason and what to write", () => {
  it.each([
    // Subjects.
    ["CpuAverage > 25 AND Bananas > 3", '"Bananas" is no subject. Subjects: PifEth0RxKb,'],
    ["CpuAverage > 25 AND CpuAvrage > 3", "Did you mean CpuAverage?"],
    ["Cpu_Average > 25", "Did you mean CpuAverage?"],
    ["CpuAverage > 25 AND", "Write CREATE RULE HOST Subject > N"],
    ["CpuAverage + > 25", "Write CREATE RULE HOST Subject > N"],
    ["CpuAverage + AND > 25", "Write CREATE RULE HOST Subject > N"],
    ["", "Write CREATE RULE HOST Subject > N"],
    ['"CpuAverage" > 25', "Write CREATE RULE HOST Subject > N"],
    // Sums.
    ["CpuAverage + OccupiedMemoryMb > 25", "different units and cannot be added: write two terms with AND"],
    ["PifEth0RxKb + pif_eth1_rx > 25", "PifEth0RxKb (Kb/s) and pif_eth1_rx (B/s) have different units"],
    ["CpuAverage + CpuAverage > 25", "CpuAverage is added to itself"],
    ["VmCount > 1 AND loadavg + hostload > 2", "Nothing is known of the unit of loadavg"],
    ["OccupiedMemoryMb + MemoryFreeMb > 25", "change in opposite ways when a VM leaves"],
    // Thresholds.
    ["CpuAverage > 25 AND OccupiedMemoryMb > -1", '"-1" is no threshold'],
    ["CpuAverage > 25 AND OccupiedMemoryMb > NaN", '"NaN" is no threshold'],
    ["CpuAverage > 25 AND OccupiedMemoryMb >", "is no threshold: write a number, 0 or more, in MB"],
    ["CpuAverage > 25 AND OccupiedMemoryMb ABOVE", "is no threshold"],
    ["PifEth0RxKb + PifEth0TxKb > 500 MB", "PifEth0RxKb + PifEth0TxKb is measured in Kb/s, not in"],
    ["VmCount > 1 AND loadavg ABOVE 2 MB", "loadavg is a plain number, not in"],
    ["CpuAverage > 25 AND CpuAverage ABOVE 100", "never above 100 %"],
    ["CpuAverage > 25 AND OccupiedMemoryMb >= 3", "Write CREATE RULE HOST Subject > N"],
    ["CpuAverage > 25 AND OccupiedMemoryMb < 3", "Write CREATE RULE HOST Subject > N"],
    ["MemoryFreeMb BELOW 0", "never below 0"],
    ["MemoryFreeMb > 100", "write OccupiedMemoryMb > N, or MemoryFreeMb BELOW N"],
    // Chains that say nothing.
    [
      "CpuAverage ABOVE 80 AND CpuAverage BELOW 60",
      "contradict each other: nothing is above 80 % and below 60 %",
    ],
    ["CpuAverage BELOW 60 AND CpuAverage ABOVE 80", "contradict each other"],
    ["CpuAverage BELOW 60 AND CpuAverage ABOVE 60", "contradict each other"],
    ["PifEth0TxKb + PifEth0RxKb ABOVE 80 AND PifEth0RxKb + PifEth0TxKb BELOW 60", "contradict each other"],
    ["CpuAverage > 20 AND CpuAverage > 30", "are about the same: one of them decides alone"],
    ["loadavg > 2", "No migration away from a host is known to bring it back"],
    ["CpuAverage BELOW 20", "No migration away from a host is known to bring it back"],
    ["loadavg ABOVE 2 AND MemoryFreeMb ABOVE 100", "add a term that falls when VMs leave"],
    // Options.
    ["CpuAverage > 25 FOR 5", "Write FOR 5 OF 6"],
    ["CpuAverage > 25 FOR five OF 6", "Write FOR 5 OF 6"],
    ["CpuAverage > 25 FOR 5 OF six", "Write FOR 5 OF 6"],
    ["CpuAverage > 25 FOR 6 OF 5", "did you mean FOR 5 OF 6?"],
    ["CpuAverage > 25 FOR 0 OF 5", "write numbers from 1 to 60"],
    ["CpuAverage > 25 FOR 5 OF 61", "write numbers from 1 to 60"],
    ["CpuAverage > 25 FOR 5 OF 6 FOR 5 OF 6", "FOR is written twice"],
    ["CpuAverage > 25 BETWEEN 22:00", "is no time of day"],
    ["CpuAverage > 25 BETWEEN 22:00 AND 24:00", '"24:00" is no time of day'],
    ["CpuAverage > 25 BETWEEN 10pm AND 06:00", '"10pm" is no time of day'],
    ["CpuAverage > 25 BETWEEN 22:60 AND 06:00", '"22:60" is no time of day'],
    ["CpuAverage > 25 BETWEEN 22:00 AND 22:00", "the whole day or no time at all"],
    ["CpuAverage > 25 NAME", "NAME is given without a text"],
    ['CpuAverage > 25 NAME ""', "NAME is given without a text"],
    ["CpuAverage > 25 NAME AND", "NAME is given without a text"],
    ["CpuAverage > 25 NAME 7", "is a number, as rules have anyway"],
    ["CpuAverage > 25 NAME all", "stands for all rules"],
    ["CpuAverage > 25 NAME CpuAverage", "is that of a subject"],
    ["CpuAverage > 25 NAME cpu_avg", "is that of a subject"],
    [`CpuAverage > 25 NAME "${"x".repeat(101)}"`, "NAME is longer than 100 characters"],
    ['CpuAverage > 25 NAME "a\u001b[2Jb"', "holds what cannot be printed"],
    ['CpuAverage > 25 NAME " x"', "or blanks around it"],
    [`CpuAverage > 25 COMMENT "${"x".repeat(1001)}"`, "COMMENT is longer than 1000 characters"],
    ["CpuAverage > 25 NAME a NAME b", "NAME is written twice"],
    ["CpuAverage > 25 DISABLED please", 'Nothing is known that begins with "please"'],
    ["CpuAverage > 25 WITH 1 SPARE HOST", 'Nothing is known that begins with "WITH"'],
    [`CpuAverage > ${"1".repeat(5000)}`, "not longer than 4000 characters"],
  ])("%.70s", (text, reason) => {
    expect(refusal(text)).toContain(reason);
  });
});

describe("a rule that gathers VMs", () => {
  const both = [
    { kind: "below", subject: "CpuAverage", value: 70 },
    { kind: "memory free", percent: 10 },
  ];
  const green = { between: null, name: null, comment: null, enabled: true };

  it.each([
    ["KEEP CpuAverage BELOW 70 AND MemoryFree ABOVE 10 % WITH 1 SPARE HOST", { limits: both, spareHosts: 1 }],
    [
      "keep cpuaverage below 70 % and memoryfree above 10 with 2 spare hosts",
      { limits: both, spareHosts: 2 },
    ],
    ["KEEP MemoryFree ABOVE 10 %", { limits: both.slice(1), spareHosts: 1 }],
    ["KEEP CpuAverage BELOW 70 WITH 0 SPARE HOSTS", { limits: both.slice(0, 1), spareHosts: 0 }],
    [
      'KEEP CpuAverage BELOW 70 BETWEEN 22:00 AND 06:00 NAME "night" DISABLED',
      {
        limits: both.slice(0, 1),
        spareHosts: 1,
        between: { from: 1320, to: 360 },
        name: "night",
        enabled: false,
      },
    ],
  ])("%s is read", (text, rule) => {
    expect(parseGreenRule(text)).toEqual({ ...green, ...rule });
  });

  it.each([
    ["CpuAverage BELOW 70", "Write KEEP CpuAverage BELOW 70"],
    ["KEEP Bananas BELOW 70", '"Bananas" is nothing that hosts are kept by'],
    ["KEEP", '"" is nothing that hosts are kept by'],
    ["KEEP CpuAverage ABOVE 70", "Hosts are kept with CpuAverage BELOW N"],
    ["KEEP MemoryFree BELOW 10", "Hosts are kept with MemoryFree ABOVE N"],
    ["KEEP CpuAverage BELOW 170", "leaves no room or all of it"],
    ["KEEP CpuAverage BELOW 0", "leaves no room or all of it"],
    ["KEEP CpuAverage BELOW 70 MB", "CpuAverage is measured in %"],
    ["KEEP MemoryFree ABOVE 100 %", "write a number of percent below 100"],
    ["KEEP MemoryFree ABOVE 10 MB", "write a number of percent below 100"],
    ["KEEP CpuAverage BELOW 70 AND CpuAverage BELOW 60", "CpuAverage is limited twice"],
    ["KEEP CpuAverage BELOW 70 WITH SPARE HOST", "Write WITH 1 SPARE HOST"],
    ["KEEP CpuAverage BELOW 70 WITH 1 HOST", "Write WITH 1 SPARE HOST"],
    ["KEEP CpuAverage BELOW 70 FOR 5 OF 6", "Only a rule about hosts that balance has FOR"],
  ])("%s is refused with the reason", (text, reason) => {
    const read = parseGreenRule(text);
    expect("kind" in read && read.message).toContain(reason);
  });
});

describe("a rule that serves VMs", () => {
  it.each([
    ["CPU", { worth: 1, overMinutes: 60 }],
    ["cpu worth 2.5 cpu-minutes per gb", { worth: 2.5, overMinutes: 60 }],
    ["CPU OVER 90 MINUTES", { worth: 1, overMinutes: 90 }],
    [
      'CPU WORTH 0 CPU-MINUTES PER GB OVER 10 MINUTES NAME "db" DISABLED',
      { worth: 0, name: "db", enabled: false },
    ],
  ])("%s is read", (text, expected) => {
    expect(parseServeRule(text)).toMatchObject({ serve: "CPU", ...expected });
  });

  it.each([
    ["", "Write CREATE RULE SERVE CPU"],
    ["MEMORY", "Write CREATE RULE SERVE CPU"],
    ["CPU WORTH 2", "WORTH says what a gigabyte that is copied must save"],
    ["CPU WORTH much CPU-MINUTES PER GB", "WORTH says what"],
    ["CPU OVER 60", "OVER says how far ahead is looked"],
    ["CPU OVER 5 MINUTES", "write 10 to 1440"],
    ["CPU FOR 5 OF 6", "Only a rule about hosts that balance has FOR"],
    ["CPU soon", "Nothing is known that begins with"],
  ])("%s is refused with the reason", (text, reason) => {
    const read = parseServeRule(text);
    expect("kind" in read && read.message).toContain(reason);
  });
});

describe("the commands about rules", () => {
  const chain = { terms: [term(["VmCount"], 3)], ...plain };
  it.each([
    ["CREATE RULE HOST VmCount > 3;", ["CREATE RULE HOST", chain]],
    [
      "create rule green KEEP MemoryFree ABOVE 10",
      ["CREATE RULE GREEN", expect.objectContaining({ spareHosts: 1 })],
    ],
    ["DELETE RULE HOST 3", ["DELETE RULE HOST", { by: "number", id: 3 }]],
    ["DELETE RULE HOST #3", ["DELETE RULE HOST", { by: "number", id: 3 }]],
    ["DELETE RULE HOST night shift", ["DELETE RULE HOST", { by: "name", name: "night shift" }]],
    ['DELETE RULE HOST "CpuAverag"', ["DELETE RULE HOST", { by: "name", name: "CpuAverag" }]],
    ["DELETE RULE GREEN ALL", ["DELETE RULE GREEN", "all"]],
    ["DELETE RULE GREEN 4", ["DELETE RULE GREEN", { by: "number", id: 4 }]],
    ["ENABLE RULE night", ["ENABLE RULE", { by: "name", name: "night" }]],
    ["DISABLE RULE cpuaverage", ["DISABLE RULE", { by: "subject", subject: "CpuAverage" }]],
    [
      "ALTER RULE HOST night TO VmCount > 3",
      ["ALTER RULE HOST", { rule: { by: "name", name: "night" }, to: chain }],
    ],
    [
      'ALTER RULE HOST "back to normal" TO VmCount > 3',
      ["ALTER RULE HOST", { rule: { by: "name", name: "back to normal" }, to: chain }],
    ],
    [
      "ALTER RULE HOST CpuAverage > 30",
      [
        "ALTER RULE HOST",
        {
          rule: { by: "subject", subject: "CpuAverage" },
          to: { subject: "CpuAverage", threshold: 30 },
        },
      ],
    ],
    [
      "ALTER RULE GREEN 4 TO KEEP MemoryFree ABOVE 10",
      ["ALTER RULE GREEN", expect.objectContaining({ rule: { by: "number", id: 4 } })],
    ],
    ["SHOW RULES GREEN", ["SHOW RULES GREEN", null]],
    ["CREATE RULE SERVE CPU", ["CREATE RULE SERVE", expect.objectContaining({ worth: 1 })]],
    [
      "ALTER RULE SERVE 4 TO CPU OVER 30 MINUTES",
      ["ALTER RULE SERVE", expect.objectContaining({ to: expect.objectContaining({ overMinutes: 30 }) })],
    ],
    ["DELETE RULE SERVE ALL", ["DELETE RULE SERVE", "all"]],
    ["SHOW RULES SERVE", ["SHOW RULES SERVE", null]],
    ["SHOW RULE HISTORY", ["SHOW RULE HISTORY", 20]],
    ["SHOW RULE HISTORY 5", ["SHOW RULE HISTORY", 5]],
    ["SHOW SUBJECTS", ["SHOW SUBJECTS", null]],
  ])("%s is read", (line, command) => {
    expect(asked(line)).toEqual(command);
  });

  it.each([
    ["DELETE RULE GREEN", "DELETE RULE GREEN which?"],
    ["ENABLE RULE", "ENABLE RULE which?"],
    ["DISABLE RULE", "DISABLE RULE which?"],
    ["ENABLE RULE CpuAverag", "Did you mean CpuAverage?"],
    ["ALTER RULE HOST night", "is no subject"],
    ["ALTER RULE HOST", "Write ALTER RULE HOST rule TO"],
    ["ALTER RULE HOST TO CpuAverage > 3", "names no rule"],
    ["ALTER RULE GREEN night", "Write ALTER RULE GREEN rule TO"],
    ["ALTER RULE GREEN night TO CpuAverage > 3", "Write KEEP"],
    ["ALTER RULE HOST VmCount > 3", "Write ALTER RULE HOST rule TO"],
    ["SHOW RULE HISTORY 0", "no number of changes"],
    ["SHOW RULE HISTORY all", "no number of changes"],
    ["SHOW SUBJECTS now", "takes nothing more"],
    [`DELETE RULE HOST ${"x".repeat(301)}`, "names no rule"],
  ])("%.60s is refused with the reason", (line, reason) => {
    expect(messageFor(line)).toContain(reason);
  });
});

describe("hours", () => {
  it("may pass midnight, begin with their first minute and end before their last", () => {
    const night = { from: 22 * 60, to: 6 * 60 };
    expect([1319, 1320, 0, 359, 360, 720].map((minute) => isWithin(night, minute))).toEqual([
      false,
      true,
      true,
      true,
      false,
      false,
    ]);
    const day = { from: 360, to: 1320 };
    expect([359, 360, 1319, 1320].map((minute) => isWithin(day, minute))).toEqual([false, true, true, false]);
    expect(overlap(night, day)).toBe(false);
    expect(overlap(night, { from: 300, to: 400 })).toBe(true);
    expect(overlap(null, day)).toBe(true);
  });

  it("are those of the pool's time zone, with its summer time", () => {
    const winter = new Date("2026-01-15T21:30:00Z");
    const summer = new Date("2026-07-15T21:30:00Z");
    expect(timeText(minuteOfDay(winter, "UTC"))).toBe("21:30");
    expect(timeText(minuteOfDay(winter, "Europe/Rome"))).toBe("22:30");
    expect(timeText(minuteOfDay(summer, "Europe/Rome"))).toBe("23:30");
    expect(timeText(minuteOfDay(new Date("2026-01-15T00:00:00Z"), "UTC"))).toBe("00:00");
    expect(parseTime("6:05")).toBe(365);
  });
});
