import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commandWords, parseCommand } from "../../src/manager/parse.ts";
import { quoteName } from "../../src/manager/words.ts";
import { subjects, subjectUnit } from "../../src/rule.ts";
import { printable } from "../../src/text.ts";

const uuid = "0a511f3b-ca5f-2c5d-7751-55b6a138f86e";

function messageFor(line: string): string {
  const command = parseCommand(line);
  return command.kind === "problem" ? command.message : `no problem but ${command.kind}`;
}

describe("a command", () => {
  test.each([
    ["SHOW VMS", { kind: "show-vms" }],
    [`SHOW VM ${uuid}`, { kind: "show-vm", wanted: uuid, details: false }],
    ["SHOW HOSTS", { kind: "show-hosts" }],
    ["SHOW HOST Host1", { kind: "show-host", wanted: "Host1", details: false }],
    ["SHOW RULES HOST", { kind: "show-rules" }],
    ["SHOW POOL", { kind: "show-pool" }],
    ["SHOW COLLECTION", { kind: "show-collection" }],
    ["CREATE RULE HOST", { kind: "create-rule", rule: null }],
    ["DELETE RULE HOST", { kind: "delete-rule", subject: null }],
    ["HELP", { kind: "help" }],
    ["?", { kind: "help" }],
    ["EXIT", { kind: "exit" }],
    ["quit", { kind: "exit" }],
    ["\\q", { kind: "exit" }],
  ])("%s is read", (line, command) => {
    expect(parseCommand(line)).toEqual(command);
  });

  test.each([
    "show vms",
    "  Show \t  vMs  ",
    "SHOW VMS;",
    "SHOW VMS ; ;",
    "XCP_Manager> SHOW VMS",
    "SHOW\u00a0VMS",
  ])("%j is SHOW VMS", (line) => {
    expect(parseCommand(line)).toEqual({ kind: "show-vms" });
  });

  test.each(["", "   ", ";", "# SHOW VMS", "-- SHOW VMS", "\t# x"])("%j asks for nothing", (line) => {
    expect(parseCommand(line)).toEqual({ kind: "nothing" });
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
    expect(parseCommand(line)).toEqual({ kind: "show-vm", wanted, details });
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
          expect(parseCommand(`SHOW VM ${quoteName(name)}`)).toEqual({
            kind: "show-vm",
            wanted,
            details: false,
          });
          expect(parseCommand(`SHOW HOST ${quoteName(name)} DETAILS`)).toEqual({
            kind: "show-host",
            wanted,
            details: true,
          });
        },
      ),
    );
  });

  test("is asked for when it is missing", () => {
    expect(messageFor("SHOW VM")).toContain("SHOW VM uuid|name");
    expect(messageFor("SHOW HOST ;")).toContain("SHOW HOST uuid|name");
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
    expect(parseCommand(`CREATE RULE HOST ${rest}`)).toEqual({
      kind: "create-rule",
      rule: { subject, threshold },
    });
  });

  test("every subject is read with its own unit, as SHOW RULES HOST prints it", () => {
    for (const subject of subjects) {
      const line = `CREATE RULE HOST ${subject} is more than 7 ${subjectUnit[subject]} above the medium`;
      expect(parseCommand(line)).toEqual({ kind: "create-rule", rule: { subject, threshold: 7 } });
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
    expect(parseCommand("delete rule host cpuaverage")).toEqual({
      kind: "delete-rule",
      subject: "CpuAverage",
    });
    expect(parseCommand("DELETE RULE HOST all;")).toEqual({ kind: "delete-rule", subject: "all" });
  });

  test("names the subject that was meant", () => {
    expect(messageFor("DELETE RULE HOST CpuAvg")).toContain("no subject");
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
      .tuple(fc.constantFrom(...commandWords), fc.string({ unit: "binary" }))
      .map(([words, rest]) => `${words} ${rest}`),
    fc
      .tuple(fc.constantFrom(...subjects), fc.string())
      .map(([subject, rest]) => `CREATE RULE HOST ${subject} ${rest}`),
  );

  test("is a command or a problem that is safe to print, never an exception", () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        const command = parseCommand(line);
        if (command.kind === "problem") {
          expect(command.message).toBe(printable(command.message));
          expect(command.message.length).toBeLessThan(400);
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
      ]) {
        parseCommand(start + endless);
        parseCommand(`${start}${endless}x`);
      }
      expect(performance.now() - started).toBeLessThan(5_000);
    },
  );
});
