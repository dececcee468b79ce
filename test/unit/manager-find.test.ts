import { describe, expect, test } from "vitest";
import { AppError } from "../../src/domain/errors.ts";
import { asUuid } from "../../src/domain/pool.ts";
import { commandList } from "../../src/manager/commands/index.ts";
import { completeAnswer, completeCommand, needsNames } from "../../src/manager/completion.ts";
import { findNamed } from "../../src/text/find.ts";

function named(uuid: string, name: string) {
  return { uuid: asUuid(uuid), name };
}

const vms = [
  named("0a511f3b-ca5f-2c5d-7751-55b6a138f86e", "VM1 - Debian"),
  named("0a67dcd0-dcce-a819-f7e2-9c92c9e626bc", "twin"),
  named("8f37b891-1a48-c55d-ab76-5e82dd473bf7", "twin"),
  named("c9918a2b-1b72-0cd8-6571-419db7f3be19", "bad \u001b[31m"),
  named("e7cdd975-a19a-1442-905a-54dc747adcbe", "0a511f3b-ca5f-2c5d-7751-55b6a138f86e"),
  named("f0000000-0000-0000-0000-000000000000", "c99"),
];

function failure(wanted: string, among = vms): AppError {
  try {
    findNamed("VM", wanted, among);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error(`${wanted} was found`);
}

describe("a VM is found", () => {
  test.each([
    ["by its name", "VM1 - Debian", 0],
    ["by its whole uuid, in any case", "C9918A2B-1B72-0CD8-6571-419DB7F3BE19", 3],
    ["by an unambiguous start of its uuid", "0a67", 1],
    ["by the shortest unambiguous start", "8", 2],
    ["by its name as it is shown", "bad \\u{1b}[31m", 3],
    ["by its real name", "bad \u001b[31m", 3],
    ["by its uuid although another VM is named so", "0a511f3b-ca5f-2c5d-7751-55b6a138f86e", 0],
  ])("%s", (_, wanted, index) => {
    expect(findNamed("VM", wanted, vms)).toBe(vms[index]);
  });
});

describe("a VM is not found", () => {
  test("when several have the name: the error lists their uuids", () => {
    const error = failure("twin");
    expect(error.code).toBe("ambiguous");
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain(
      "0a67dcd0-dcce-a819-f7e2-9c92c9e626bc, 8f37b891-1a48-c55d-ab76-5e82dd473bf7",
    );
  });

  test("when several uuids begin so", () => {
    expect(failure("0a").code).toBe("ambiguous");
  });

  test("when one has the name and the uuid of another begins so", () => {
    expect(failure("c99").code).toBe("ambiguous");
  });

  test("when none is named so: the error names the nearest", () => {
    const error = failure("VM1 - Debain");
    expect(error.code).toBe("not-found");
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain("Did you mean VM1 - Debian?");
    expect(failure("vm1 - debian").message).toContain("Did you mean VM1 - Debian?");
    expect(failure("zzz").message).toContain("SHOW VMS lists them.");
  });

  test("when the database is empty: the error names the program that fills it", () => {
    expect(failure("x", []).message).toContain("xcp-collect");
  });

  test("and what was typed is escaped in the message", () => {
    expect(failure("\u001b[2J").message).toContain('"\\u{1b}[2J"');
  });

  test("and hundreds of namesakes do not fill the screen", () => {
    const many = Array.from({ length: 500 }, (_, index) => named(String(index).padStart(36, "0"), "same"));
    expect(failure("same", many).message).toContain("and 490 more");
  });
});

describe("the Tab key", () => {
  const names = { vms, hosts: [named("eb966de6-276a-0428-2ecb-d1b2a69eff57", "Host1")] };

  test("completes commands in any case", () => {
    expect(completeCommand(commandList, "sh", names)[0]).toContain("SHOW VMS");
    expect(completeCommand(commandList, "CREATE", names)).toEqual([
      ["CREATE RULE HOST", "CREATE RULE GREEN", "CREATE RULE SERVE"],
      "CREATE",
    ]);
    expect(completeCommand(commandList, "nothing such", names)[0]).toEqual([]);
  });

  test("completes uuids and names, quoted where they must be", () => {
    expect(completeCommand(commandList, "SHOW VM 0a5", names)[0]).toEqual([vms[0]?.uuid, vms[4]?.name]);
    expect(completeCommand(commandList, "SHOW VM VM", names)).toEqual([["VM1 - Debian"], "VM"]);
    expect(completeCommand(commandList, "show host h", names)).toEqual([["Host1"], "h"]);
    expect(completeCommand(commandList, "exclude vm VM", names)).toEqual([["VM1 - Debian"], "VM"]);
    expect(completeCommand(commandList, "EXPLAIN VM VM", names)).toEqual([["VM1 - Debian"], "VM"]);
    expect(completeCommand(commandList, "INCLUDE HOST h", names)).toEqual([["Host1"], "h"]);
    expect(completeCommand(commandList, "evacuate host h", names)).toEqual([["Host1"], "h"]);
    expect(needsNames(commandList, "EVACUATE HOST h")).toBe(true);
    expect(completeCommand(commandList, "SHOW VM bad", names)).toEqual([["bad \\u{1b}[31m"], "bad"]);
  });

  test("completes subjects, and answers to a question", () => {
    expect(completeCommand(commandList, "CREATE RULE HOST cp", names)).toEqual([
      ["CpuAverage", "CpuWait"],
      "cp",
    ]);
    expect(completeCommand(commandList, "CREATE RULE HOST CpuAverage > 25 AND Mem", names)).toEqual([
      ["MemoryFreeMb"],
      "Mem",
    ]);
    expect(completeCommand(commandList, "create rule host PifEth0RxKb+pifeth0t", names)[0]).toEqual([
      "PifEth0TxKb",
    ]);
    expect(completeCommand(commandList, "CREATE RULE HOST CpuAverage > 25 BETW", names)[0]).toEqual([
      "BETWEEN",
    ]);
    expect(completeCommand(commandList, "CREATE RULE GREEN K", names)[0]).toEqual(["KEEP"]);
    const named = { ...names, rules: ["night", 'he said "so"'] };
    expect(completeCommand(commandList, "DISABLE RULE n", named)[0]).toEqual(["night"]);
    expect(completeCommand(commandList, "DELETE RULE HOST n", named)[0]).toEqual(["night"]);
    expect(completeCommand(commandList, "ALTER RULE HOST night TO vm", named)[0]).toEqual(["VmCount"]);
    expect(needsNames(commandList, "ENABLE RULE ")).toBe(true);
    expect(completeCommand(commandList, "DELETE RULE HOST A", names)).toEqual([["ALL"], "A"]);
    expect(completeCommand(commandList, "PAUSE CONTROL f", names)).toEqual([["FOR "], "f"]);
    expect(completeAnswer("p", ["PifEth0RxKb", "PifEth0TxKb", "CpuAverage"])[0]).toHaveLength(2);
  });

  test("fills in only the shared start of a long list", () => {
    const many = Array.from({ length: 500 }, (_, index) => named(`u${index}`, `web-${index}`));
    expect(completeCommand(commandList, "SHOW VM w", { vms: many, hosts: [] })).toEqual([["web-"], "w"]);
  });

  test("asks the database only for names", () => {
    expect(needsNames(commandList, "SHOW VM ")).toBe(true);
    expect(needsNames(commandList, "show host x")).toBe(true);
    expect(needsNames(commandList, "EXCLUDE VM x")).toBe(true);
    expect(needsNames(commandList, "SHOW VMS")).toBe(false);
    expect(needsNames(commandList, "CREATE RULE HOST ")).toBe(false);
  });
});
