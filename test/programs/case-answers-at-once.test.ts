/** Case answers-at-once: endless answers to all bulk calls at the same time end in a clear error, within one budget. */

import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram, temporaryFolder } from "../support/programs.ts";
import { startWorld, type World } from "../support/world.ts";
import { masterScript, type Script, startMember } from "../xapi/support/scriptedMember.ts";
import { success } from "../xapi/support/xapiText.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
}, 120_000);

afterAll(() => world?.stop());

const envelope =
  "<methodResponse><params><param><value><struct><member><name>Status</name><value>Success</value></member>" +
  "<member><name>Value</name><value><struct>";

/** Ways to never end, under a XenAnswerMaxMb: `begin`, then `more` for ever. */
const endless: readonly [string, string, string, (at: number) => string][] = [
  ["one text", "512", `${envelope}<member><name>OpaqueRef:1</name><value>`, () => "x".repeat(65_536)],
  ["text before any record", "512", "<methodResponse>", () => " ".repeat(65_536)],
  [
    "records without an end",
    "64",
    envelope,
    (at) =>
      `<member><name>OpaqueRef:${at}</name><value><struct><member><name>uuid</name><value>${at}${"u".repeat(600)}</value></member></struct></value></member>`.repeat(
        80,
      ),
  ],
  [
    "a struct within a record",
    "512",
    `${envelope}<member><name>OpaqueRef:1</name><value>`,
    () => "<struct><member><name>a</name><value>".repeat(1000),
  ],
];

function pour(response: ServerResponse, begin: string, more: (at: number) => string): null {
  response.writeHead(200, { "content-type": "text/xml" });
  response.on("error", () => {});
  response.write(begin);
  let at = 0;
  const next = (): void => {
    while (!response.destroyed && response.write(more(at++)));
    if (!response.destroyed) response.once("drain", () => setImmediate(next));
  };
  next();
  return null;
}

/** A master that lets everybody in and pours for every get_all_records. */
function pouring(begin: string, more: (at: number) => string): Script {
  const master = masterScript({ "session.login_with_password": success("OpaqueRef:session-1") });
  return (call, response) =>
    /get_all_records/.test(call.method) && call.method !== "pool.get_all_records"
      ? pour(response, begin, more)
      : master(call, response);
}

describe("case answers-at-once", () => {
  it.each(endless)(
    "%s: an error that names the call, and no more memory than one budget takes",
    async (_, maxMb, begin, more) => {
      await using member = await startMember(pouring(begin, more));
      const peak = join(await temporaryFolder(), "peak");
      const result = await runProgram("xcp-collect", ["-q"], {
        settings: { ...world.settings("collect"), XenHost: member.url, XenAnswerMaxMb: maxMb },
        through: `"$@" & pid=$!; while grep VmHWM /proc/$pid/status >'${peak}.new' 2>/dev/null; do mv '${peak}.new' '${peak}'; sleep 0.05; done; wait $pid`,
        deadlineMs: 60_000,
      });
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toMatch(
        /get_all_records.*: (the pool's answers are together larger than 64 MB \(XenAnswerMaxMb\)|.*a record, or what stands in its place, has more than 8388608 characters|.*nested)/,
      );
      expect(result.stderr).not.toMatch(/internal error|heap/);
      const kb = Number(/(\d+) kB/.exec(await readFile(peak, "utf8"))?.[1]);
      expect(kb).toBeGreaterThan(40_000);
      expect(kb).toBeLessThan(700_000);
    },
    90_000,
  );
});
