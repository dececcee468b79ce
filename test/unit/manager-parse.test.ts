import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { subjects, unitOf } from "../../src/domain/rule.ts";
import { commandList } from "../../src/manager/commands/index.ts";
import { quoteName } from "../../src/manager/words.ts";
import { printable } from "../../src/text/text.ts";
import { asked, messageFor } from "../support/asked.ts";

const uuid = "0a511f3b-ca5f-2c5d-7751-55b6a138f86e";

describe("a command", () => {
  test.each([
    ["SHOW VMS", ["SHOW VMS", null]],
    [`SHOW VM ${uuid}`, ["SHOW VM", { wanted: uuid, details: false }]],
    ["SHOW HOSTS", ["SHOW HOSTS", null]],
    ["SHOW HOST Host1", ["SHOW HOST", { wanted: "Host1", details: false }]],
    ["SHOW RULES HOST", ["SHOW RULES HOST", null]],
    ["SHOW POOL", ["SHOW POOL", null]],
    ["SHOW COLLECTION", ["SHOW COLLECTION", null]],
    ["CREATE RULE HOST", ["CREATE RULE HOST", null]],
    ["DELETE RULE HOST", ["DELETE RULE HOST", null]],
    ["HELP", ["HELP", null]],
    ["?", ["HELP", null]],
    ["EXIT", ["EXIT", null]],
    ["quit", ["QUIT", null]],
    ["\\q", ["EXIT", null]],
  ])("%s is read", (line, command) => {
    expect(asked(line)).toEqual(command);
  });

  test.each([
    "show vms",
    "  Show \t  vMs  ",
    "SHOW VMS;",
    "SHOW VMS ; ;",
    "XCP_Manager> SHOW VMS",
    "SHOW\u00a0VMS",
  ])("%j is SHOW VMS", (line) => {
    expect(asked(line)).toEqual(["SHOW VMS", null]);
  });

  test.each(["", "   ", ";", "# SHOW VMS", "-- SHOW VMS", "\t# x"])("%j asks for nothing", (line) => {
    expect(asked(line)).toEqual("nothing");
  });
});

describe("a name", () => {
  test.each([
    ["SHOW VM VM1 - Debian", "VM1 - Debian", false],
    ["SHOW VM VM1 - Debian;", "VM1 - Debian", false],
    ["SHOW VM VM1  -  Debian", "VM1  -  Debian", false],
    ["show vm VM1 - Debian details", "VM1 - Debian", true],
    ['SHOW VM "VM1 - Debian"', "VM1 - Debian", false],
    ['SHOW VM "VM1 - Debian" DETAILS;', "VM1 - Debian", true],
    ["SHOW VM 'it is; DETAILS'", "it is; DETAILS", false],
    ['SHOW VM " blank "', " blank ", false],
    ['SHOW VM "a ""b"" c"', 'a "b" c', false],
    ["SHOW VM 'it''s'", "it's", false],
    ['SHOW VM it\'s "so"', 'it\'s "so"', false],
    ['SHOW VM "open', '"open', false],
    ['SHOW VM "a" b', '"a" b', false],
    ["SHOW VM DETAILS", "DETAILS", false],
    ["SHOW VM SHOW HOSTS", "SHOW HOSTS", false],
  ])("in %s is %j (details %s)", (line, wanted, details) => {
    expect(asked(line)).toEqual(["SHOW VM", { wanted, details }]);
  });

  test("of any kind is read back from the way it is quoted", () => {
    const odd = fc.constantFrom('"', "'", ";", " ", "a DETAILS", "b", "\\", "\u001b", "#", "--");
    const names = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(odd).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(
        names.filter((name) => name !== ""),
        (name) => {
          const wanted = printable(name);
          expect(asked(`SHOW VM ${quoteName(name)}`)).toEqual(["SHOW VM", { wanted, details: false }]);
          expect(asked(`SHOW HOST ${quoteName(name)} DETAILS`)).toEqual([
            "SHOW HOST",
            { wanted, details: true },
          ]);
        },
      ),
    );
  });

  test("is asked for when it is missing", () => {
    expect(messageFor("SHOW VM")).toContain("SHOW VM uuid|name");
    expect(messageFor("SHOW HOST ;")).toContain("SHOW HOST uuid|name");
  });
});

describe("what control did", () => {
  test.each([
    ["SHOW PLAN", ["SHOW PLAN", null]],
    ["EXPLAIN VM VM1 - Debian", ["EXPLAIN VM", { object: "VM", wanted: "VM1 - Debian" }]],
    ["EVACUATE HOST Host1", ["EVACUATE HOST", { object: "HOST", wanted: "Host1" }]],
    ['evacuate host "Host 1";', ["EVACUATE HOST", { object: "HOST", wanted: "Host 1" }]],
    ['explain host "Host1";', ["EXPLAIN HOST", { object: "HOST", wanted: "Host1" }]],
    ["SHOW STATUS", ["SHOW STATUS", null]],
    ["SHOW MIGRATIONS", ["SHOW MIGRATIONS", 20]],
    ["show migrations 3;", ["SHOW MIGRATIONS", 3]],
    ["SHOW MIGRATIONS 1000", ["SHOW MIGRATIONS", 1000]],
    ["SHOW MIGRATION 5F2C81AB", ["SHOW MIGRATION", "5f2c81ab"]],
    ["SHOW COSTS", ["SHOW COSTS", null]],
    ["SHOW FLAPS", ["SHOW FLAPS", null]],
    ["SHOW EXCLUSIONS", ["SHOW EXCLUSIONS", null]],
  ])("%s is read", (line, command) => {
    expect(asked(line)).toEqual(command);
  });

  test.each([
    ["SHOW MIGRATIONS 0", "write 1 to 1000"],
    ["SHOW MIGRATIONS 1001", "write 1 to 1000"],
    ["SHOW MIGRATIONS all", "write 1 to 1000"],
    ["SHOW MIGRATION", "SHOW MIGRATIONS lists them"],
    ["SHOW MIGRATION %", "no id of a migration"],
    ["SHOW MIGRATION VM1", "no id of a migration"],
    ["SHOW STATUS now", "takes nothing more"],
    ["SHOW PLAN DETAILS", "takes nothing more"],
    ["EXPLAIN VM", "EXPLAIN VM uuid|name"],
    ["EVACUATE HOST", "EVACUATE HOST uuid|name"],
    ["EVACUATE", "EVACUATE HOST uuid|name"],
    ["EVACUAT HOST Host1", "EVACUATE HOST uuid|name"],
    ["EXPLAIN", "EXPLAIN HOST uuid|name"],
  ])("%s is refused with the reason", (line, message) => {
    expect(messageFor(line)).toContain(message);
  });
});

describe("REHEARSE", () => {
  test.each([
    ["", { sinceSeconds: 604_800, everySeconds: null, files: [] }],
    ["SINCE 2d", { sinceSeconds: 172_800, everySeconds: null, files: [] }],
    ["every 5m", { sinceSeconds: 604_800, everySeconds: 300, files: [] }],
    ["SINCE 12h EVERY 60s RULES new.xcp", { sinceSeconds: 43_200, everySeconds: 60, files: ["new.xcp"] }],
    ["RULES a.xcp AND b.xcp", { sinceSeconds: 604_800, everySeconds: null, files: ["a.xcp", "b.xcp"] }],
    ['RULES "a and b.xcp" AND "c ""d"".xcp"', { files: ["a and b.xcp", 'c "d".xcp'] }],
    ["RULES my rules.xcp", { files: ["my rules.xcp"] }],
  ])("%j", (rest, wanted) => {
    expect(asked(`REHEARSE ${rest}`)).toMatchObject(["REHEARSE", wanted]);
  });

  test.each([
    ["NOW", "Write REHEARSE [SINCE 7d] [EVERY 5m] [RULES file [AND file]]"],
    ["SINCE", "is no time"],
    ["SINCE 7", "is no time"],
    ["EVERY soon", "is no time"],
    ["RULES", "Write REHEARSE"],
    ["RULES a AND", "Write REHEARSE"],
    ['RULES "a" "b"', "Write REHEARSE"],
  ])("%j is refused with its form or what is wrong with it", (rest, message) => {
    expect(messageFor(`REHEARSE ${rest}`)).toContain(message);
  });
});

describe("PAUSE CONTROL", () => {
  test.each([
    ["", null, ""],
    ["FOR 2h", 7200, ""],
    ["for 90 s", 90, ""],
    ["FOR 30m", 1800, ""],
    ["FOR 1.5 hours", 5400, ""],
    ["FOR 1d 12h 5min", 129_900, ""],
    ["FOR 365 days", 31_536_000, ""],
    ["REASON new storage", null, "new storage"],
    ["FOR 2h REASON new storage FOR 3h", 7200, "new storage FOR 3h"],
    ['FOR 2h reason "it ""will"" be; "', 7200, 'it "will" be; '],
  ])("%s is read", (rest, seconds, reason) => {
    expect(asked(`PAUSE CONTROL ${rest};`)).toEqual(["PAUSE CONTROL", { seconds, reason, now: false }]);
  });

  test.each([
    ["NOW", null, ""],
    ["now FOR 2h", 7200, ""],
    ["NOW REASON storage burns NOW", null, "storage burns NOW"],
    ["NOW FOR 90s REASON x", 90, "x"],
  ])("%s also stops what runs", (rest, seconds, reason) => {
    expect(asked(`PAUSE CONTROL ${rest};`)).toEqual(["PAUSE CONTROL", { seconds, reason, now: true }]);
  });

  test.each([
    ["FOR 2", "with its unit"],
    ["FOR", "with its unit"],
    ["FOR ever", "with its unit"],
    ["FOR -2h", "with its unit"],
    ["FOR 2 weeks", "with its unit"],
    ["FOR 2hs", "with its unit"],
    ["FOR 0h", "not from 1 s to 365 d"],
    ["FOR 366d", "not from 1 s to 365 d"],
    [`FOR ${"9".repeat(90)}h`, "not from 1 s to 365 d"],
    [`FOR ${"9".repeat(500)}h`, "with its unit"],
    ["FOR 2h REASON", "without a text"],
    [`REASON ${"x".repeat(1001)}`, "longer than 1000"],
    ["2h", "PAUSE CONTROL [NOW] [FOR 2h] [REASON text]"],
    ["BECAUSE x", "PAUSE CONTROL [NOW] [FOR 2h] [REASON text]"],
    ["NOWS", "PAUSE CONTROL [NOW] [FOR 2h] [REASON text]"],
    ["FOR 2h NOW", "with its unit"],
  ])("%.40s is refused with the reason", (rest, message) => {
    expect(messageFor(`PAUSE CONTROL ${rest}`)).toContain(message);
  });

  test("ends with RESUME CONTROL", () => {
    expect(asked("resume control")).toEqual(["RESUME CONTROL", null]);
    expect(messageFor("RESUME")).toContain("RESUME CONTROL");
  });
});

describe("EXCLUDE and INCLUDE", () => {
  test.each([
    ["EXCLUDE VM VM1 - Debian", "VM", "VM1 - Debian", ""],
    ["EXCLUDE VM VM1 - Debian REASON licence is bound to it", "VM", "VM1 - Debian", "licence is bound to it"],
    ['exclude vm "VM1 - Debian" reason "x"', "VM", "VM1 - Debian", "x"],
    ['EXCLUDE VM "the REASON why"', "VM", "the REASON why", ""],
    ["EXCLUDE HOST Host1 REASON a REASON b", "HOST", "Host1", "a REASON b"],
    ['EXCLUDE HOST "a" b', "HOST", '"a" b', ""],
  ])("%s is read", (line, object, wanted, reason) => {
    expect(asked(line)).toEqual([`EXCLUDE ${object}`, { object, wanted, reason }]);
  });

  test("any name is read back from the way it is quoted, with a reason and without", () => {
    const odd = fc.constantFrom('"', "'", ";", " ", " REASON ", "REASON", "a DETAILS", "b", "#");
    fc.assert(
      fc.property(
        fc.array(odd, { minLength: 1 }).map((parts) => parts.join("")),
        (name) => {
          const vm = { object: "VM", wanted: name };
          const quoted = quoteName(name);
          expect(asked(`EXCLUDE VM ${quoted}`)).toEqual(["EXCLUDE VM", { ...vm, reason: "" }]);
          expect(asked(`EXCLUDE VM ${quoted} REASON why`)).toEqual(["EXCLUDE VM", { ...vm, reason: "why" }]);
          expect(asked(`INCLUDE VM ${quoted}`)).toEqual(["INCLUDE VM", vm]);
        },
      ),
    );
  });

  test.each([
    ["EXCLUDE VM", "EXCLUDE VM uuid|name [REASON text]"],
    ["EXCLUDE HOST REASON why", "EXCLUDE HOST which?"],
    ["EXCLUDE VM VM1 REASON", "without a text"],
    ['EXCLUDE VM "VM1" REASON', "without a text"],
    ["INCLUDE HOST", "INCLUDE HOST uuid|name"],
    ["EXCLUDE", "EXCLUDE HOST uuid|name"],
    ["EXLCUDE VM x", "Did you mean EXCLUDE VM"],
  ])("%s is refused with the reason", (line, message) => {
    expect(messageFor(line)).toContain(message);
  });
});

describe("CREATE RULE HOST in one line", () => {
  test.each([
    ["CpuAverage > 25", "CpuAverage", 25],
    ["cpuaverage>25", "CpuAverage", 25],
    ["CpuAverage > 25%", "CpuAverage", 25],
    ["CpuAverage > 12.5 %;", "CpuAverage", 12.5],
    ["CpuAverage 25", "CpuAverage", 25],
    ["CpuAverage is more than 25 % above the medium", "CpuAverage", 25],
    ["OccupiedMemoryMb > 200 MB", "OccupiedMemoryMb", 200],
    ["OccupiedMemoryMb > 200mb", "OccupiedMemoryMb", 200],
    ["PifEth0RxKb > 1000 kb/s", "PifEth0RxKb", 1000],
    ["PifEth0TxKb > 0", "PifEth0TxKb", 0],
  ])("%s is read", (rest, subject, threshold) => {
    expect(asked(`CREATE RULE HOST ${rest}`)).toEqual(["CREATE RULE HOST", { subject, threshold }]);
  });

  test("every subject is read with its own unit, as SHOW RULES HOST prints it", () => {
    for (const subject of subjects) {
      const line = `CREATE RULE HOST ${subject} is more than 7 ${unitOf(subject)} above the medium`;
      expect(asked(line)).toEqual(["CREATE RULE HOST", { subject, threshold: 7 }]);
    }
  });

  test.each([
    ["CpuAvrage > 25", "Did you mean CpuAverage?"],
    ["Bananas > 25", "Subjects: PifEth0RxKb, PifEth0TxKb, OccupiedMemoryMb, CpuAverage"],
    ["CpuAverage", "is no threshold"],
    ["CpuAverage >", "is no threshold"],
    ["CpuAverage > many", "is no threshold"],
    ["CpuAverage > -1", "is no threshold"],
    ["CpuAverage > 1e3", "is no threshold"],
    ["CpuAverage > 25,5", "is no threshold"],
    ["CpuAverage > NaN", "is no threshold"],
    ["CpuAverage > 25 MB", "CpuAverage is measured in %"],
    ["OccupiedMemoryMb > 25 GB", "OccupiedMemoryMb is measured in MB"],
    ["CpuAverage >= 25", "Subject > N"],
    ["CpuAverage < 25", "Subject > N"],
    ["CpuAverage > 25 % or so", "is no threshold"],
  ])("%s is refused with the reason", (rest, message) => {
    expect(messageFor(`CREATE RULE HOST ${rest}`)).toContain(message);
  });
});

describe("DELETE RULE HOST in one line", () => {
  test("takes a subject or ALL, in any case", () => {
    expect(asked("delete rule host cpuaverage")).toEqual([
      "DELETE RULE HOST",
      { by: "subject", subject: "CpuAverage" },
    ]);
    expect(asked("DELETE RULE HOST all;")).toEqual(["DELETE RULE HOST", "all"]);
  });

  test("names the subject that was meant", () => {
    expect(messageFor("DELETE RULE HOST CpuAvrage")).toContain("no subject");
    expect(messageFor("DELETE RULE HOST CpuAverag")).toContain("Did you mean CpuAverage?");
  });
});

describe("what is no command", () => {
  test.each([
    ["SHWO VMS", "Did you mean SHOW VMS?"],
    ["SHOW VSM", "Did you mean SHOW VMS?"],
    ["SHOW HOTS Host1", "Did you mean SHOW HOST"],
    ["SHOW RULE HOST", "Did you mean SHOW RULES HOST?"],
    ["CREATE RULES HOST", "Did you mean CREATE RULE HOST"],
    ["EXTI", "Did you mean EXIT?"],
    ["SHOW", "SHOW VMS, SHOW VM uuid|name"],
    ["CREATE RULE", "CREATE RULE HOST [Subject > N]"],
    ["SELECT * FROM Vm", "HELP lists the commands"],
    ["SHOW VMSX", "Did you mean SHOW VMS?"],
    ["SHOW VMS; SHOW HOSTS", "one command a line"],
    ["EXIT now", "takes nothing more"],
  ])("%s gets a hint", (line, hint) => {
    expect(messageFor(line)).toContain(hint);
  });
});

describe("any text", () => {
  const anyLine = fc.oneof(
    fc.string({ unit: "binary" }),
    fc
      .tuple(fc.constantFrom(...commandList.map(({ words }) => words)), fc.string({ unit: "binary" }))
      .map(([words, rest]) => `${words} ${rest}`),
    fc
      .tuple(fc.constantFrom(...subjects), fc.string())
      .map(([subject, rest]) => `CREATE RULE HOST ${subject} ${rest}`),
  );

  test("is a command or a problem that is safe to print, never an exception", () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        const command = asked(line);
        if (typeof command === "object" && "problem" in command) {
          expect(command.problem).toBe(printable(command.problem));
          expect(command.problem.length).toBeLessThan(400);
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each([" ", ";", "'", '"', "x", "SHOW ", "CREATE RULE HOST C > 1", "9", " >", "DETAILS "])(
    "a megabyte of %j is answered at once",
    (piece) => {
      const endless = piece.repeat(1_000_000 / piece.length);
      const started = performance.now();
      for (const start of [
        "",
        "SHOW VM ",
        "CREATE RULE HOST ",
        "CREATE RULE HOST CpuAverage > ",
        "DELETE RULE HOST ",
        "PAUSE CONTROL FOR ",
        "EXCLUDE VM ",
      ]) {
        asked(start + endless);
        asked(`${start}${endless}x`);
      }
      expect(performance.now() - started).toBeLessThan(5_000);
    },
  );
});
