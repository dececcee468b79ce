/** The table of codes that a migration can end with: complete, spelt as XAPI spells them, and shown in the docs. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { classifyFailure, migrationErrors } from "../../src/xapi/migrationErrors.ts";
import { errorsPage } from "../support/errorsPage.ts";

const [paper, list] = ["facts", "errors"];
const facts = new URL(`../../../shared/xapi/${paper}.md`, import.meta.url);
const errors = new URL(`../../../shared/xapi/${list}.json`, import.meta.url);

const codes = Object.values(migrationErrors).flatMap((each) => Object.keys(each));
const plain = codes.map((code) => code.split(" ")[0] ?? "");

describe("a code", () => {
  test.each([
    ["VM_IS_IMMOBILE", [], "vm"],
    ["OPERATION_BLOCKED", [], "vm"],
    ["HOST_EVACUATE_VM_NOT_HA_PROTECTED", ["vm"], "vm"],
    ["VM_REQUIRES_SR", [], "pair"],
    ["VM_INCOMPATIBLE_WITH_THIS_HOST", [], "pair"],
    ["HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN", [], "pair"],
    ["HOST_NOT_ENOUGH_FREE_MEMORY", ["2", "1"], "pair"],
    ["RBAC_PERMISSION_DENIED", [], "pool"],
    ["LICENCE_RESTRICTION", [], "pool"],
    ["OTHER_OPERATION_IN_PROGRESS", ["VM", "ref", "clean_reboot", "task"], "later"],
    ["OTHER_OPERATION_IN_PROGRESS", ["host", "ref", "evacuate", "task"], "host"],
    ["SR_BACKEND_FAILURE_46", ["", "The VDI is not available", ""], "path"],
    ["INTERNAL_ERROR", ["xenopsd internal error"], "path"],
    ["SOMETHING_NEW", [], "path"],
    ["constructor", [], "path"],
  ] as const)("%s %j says of the %s", (code, params, meaning) => {
    expect(classifyFailure(code, params)).toBe(meaning);
  });

  it("has one class", () => {
    expect(codes.length).toBe(new Set(codes).size);
  });
});

describe.skipIf(!existsSync(facts))("by ../shared/xapi (skipped where it is missing)", () => {
  it("every code that a migration is known to end with has a class of its own", () => {
    const text = readFileSync(facts, "utf8");
    const order = text.slice(text.indexOf("### 6.2"), text.indexOf("### 6.3"));
    const dryRuns = text.slice(text.indexOf("### 6.3"), text.indexOf("### 6.4"));
    const named = `${order}${dryRuns}`.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g) ?? [];
    expect(named.length).toBeGreaterThan(50);
    const noCodes = /^(?:VCPUS?_.*|CANNOT_EVACUATE_HOST|SR_BACKEND_FAILURE_|CODE)$/;
    const missing = [...new Set(named)].filter((code) => !noCodes.test(code) && !plain.includes(code));
    expect(missing).toEqual([]);
  });

  it("every other one is in XAPI's own list, but for those of old versions", () => {
    const known = JSON.parse(readFileSync(errors, "utf8")) as { errors: Record<string, unknown> };
    const old = ["VM_LACKS_FEATURE_SUSPEND", "VM_IS_SNAPSHOT", "LICENSE_RESTRICTION", "VDI_IO_ERROR"];
    const strange = plain.filter((code) => !(code in known.errors) && !old.includes(code));
    expect(strange).toEqual(["SR_BACKEND_FAILURE_*"]);
  });
});

// To write the page anew: npx vitest run -u test/unit/migration-errors.test.ts
it("docs/errors.md shows the table as it is", async () => {
  await expect(errorsPage()).toMatchFileSnapshot("../../docs/errors.md");
});
