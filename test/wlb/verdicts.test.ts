/** The reader that judges our answers gives the real client's verdict on the recorded ones. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Exchange, readAnswer, type Verdict } from "../support/wlb/clientReader.ts";

const file = new URL("../../../shared/wlb/recorded/answers.json", import.meta.url);

interface Recorded {
  readonly name: string;
  readonly method: string;
  readonly status: number;
  readonly framing: string;
  readonly body: string;
  readonly result?: string[][];
  readonly error?: string;
  readonly parameters?: string[];
}

const recorded: Recorded[] = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Recorded[]) : [];

const id = (letter: string, number: number) => `${letter.repeat(8)}-0000-4000-8000-00000000000${number}`;
const hosts = [id("a", 1), id("a", 2)];
const pool = {
  hosts,
  liveHosts: hosts,
  vms: [id("b", 1), id("b", 2)],
  user: "wlbuser",
  url: "localhost:18012",
};

const framings: readonly NonNullable<Exchange["framing"]>[] = [
  "chunked",
  "connection stays open",
  "later than the timeout",
];

function verdictOn({ method, status, framing, body }: Recorded): Verdict {
  const known = framings.find((each) => framing.endsWith(each));
  return readAnswer({ method, status, body, ...(known === undefined ? {} : { framing: known }) }, pool);
}

/** Of what could not be understood the real client tells the method, and its own words. */
function comparable(verdict: Verdict): unknown {
  if ("result" in verdict) return verdict;
  const { error, parameters } = verdict;
  return { error, parameters: error === "WLB_MALFORMED_RESPONSE" ? parameters.slice(0, 1) : parameters };
}

describe.skipIf(recorded.length === 0)("the recorded answers (beside the repository: shared/wlb)", () => {
  it("are 94", () => {
    expect(recorded).toHaveLength(94);
  });

  it.each(recorded.map((each) => [`${each.method}: ${each.name}`, each] as const))("%s", (_, each) => {
    const { result, error = "", parameters = [] } = each;
    const wanted: Verdict = result === undefined ? { error, parameters } : { result };
    expect(comparable(verdictOn(each))).toEqual(comparable(wanted));
  });
});
