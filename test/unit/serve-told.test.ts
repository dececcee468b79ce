/** What is said of a rule that serves VMs: why a VM moves, what a host lacks, and why nothing is done about it. */
import { describe, expect, it } from "vitest";
import { assess } from "../../src/decide/assess.ts";
import type { Snapshot, Uuid } from "../../src/domain/pool.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { type ExplainContext, explainHost, explainVm } from "../../src/explain/explain.ts";
import { planJson } from "../../src/explain/planJson.ts";
import { asTable } from "../../src/explain/planTable.ts";
import { planLines } from "../../src/explain/report.ts";
import type { Demand, PlanOptions } from "../../src/planner/plan.ts";
import { planServing } from "../../src/planner/serve/planServing.ts";
import { planPage } from "../../src/report/plan/planPage.ts";
import { Names } from "../../src/text/names.ts";
import { aControlState, aHost, aSnapshot, aStored, aVm, chapterSix, uuid } from "../support/fixtures.ts";
import { freeOptions as options } from "../support/plan/options.ts";
import { controlDefaults } from "../support/prompt.ts";
import { servesCpu as rule } from "../support/rules.ts";

const gibibyte = 1024 ** 3;

interface Guest {
  readonly cpus: number;
  readonly gb: number;
  readonly spread?: number;
}

/** alpha and beta of 10 CPUs, which guests want so many of; by what is measured both are idle. */
function pool(alpha: readonly Guest[], beta: readonly Guest[] = [], freeGb = 64) {
  const host = (h: number, name: string) =>
    aHost({ uuid: uuid(100 + h), name, cpuNum: 10, placementFreeBytes: freeGb * gibibyte });
  const guest = (first: number) => (each: Guest, v: number) =>
    aVm({
      uuid: uuid(first + v),
      name: `vm${first + v}`,
      vcpuNum: 10,
      vcpuAverage: 5,
      cpuWait: null,
      copyBytes: each.gb * gibibyte,
      placementBytes: each.gb * gibibyte,
    });
  const demand =
    (first: number) =>
    ({ cpus, spread = 0 }: Guest, v: number): [Uuid, Demand] => [
      uuid(first + v),
      { means: [cpus], variance: spread ** 2 },
    ];
  const snapshot = aSnapshot([
    [host(0, "alpha"), alpha.map(guest(1))],
    [host(1, "beta"), beta.map(guest(11))],
  ]);
  return { snapshot, demands: new Map([...alpha.map(demand(1)), ...beta.map(demand(11))]) };
}

/** What is asked of a plan, and what all texts are read off. */
function told(
  { snapshot, demands }: ReturnType<typeof pool>,
  { rules = [], ...extra }: Partial<PlanOptions> & { readonly rules?: readonly Rule[] } = {},
) {
  const plan = planServing(snapshot, rules, { ...options, ...extra, serve: { rule, demands } });
  const context: ExplainContext = {
    snapshot,
    plan,
    bans: { vms: extra.bannedVms ?? new Map(), hosts: new Map(), failing: new Map(), pairs: new Map() },
    gate: null,
    suppressed: () => null,
    names: new Names(snapshot),
  };
  const assessment = {
    stored: aStored(snapshot),
    sampling: { samples: 1, spanSeconds: 0 },
    suppressed: () => null,
  };
  return {
    plan,
    lines: planLines(assessment, plan),
    json: planJson(assessment, plan),
    vm: (number: number) => explainVm(context, vmOf(snapshot, number)),
    host: (number: number) => explainHost(context, hostOf(snapshot, number)),
  };
}

function vmOf({ vms }: Snapshot, number: number) {
  const found = vms.find((vm) => vm.uuid === uuid(number));
  if (found === undefined) throw new Error(`no VM ${number}`);
  return found;
}

function hostOf({ hosts }: Snapshot, number: number) {
  const found = hosts.find((host) => host.uuid === uuid(number));
  if (found === undefined) throw new Error(`no host ${number}`);
  return found;
}

const movable = pool([
  { cpus: 6, gb: 32 },
  { cpus: 4, gb: 4 },
  { cpus: 3, gb: 16 },
]);

describe("a move that serves", () => {
  it("is explained by what is waited for and saved, not by a host that is to be emptied", () => {
    const { answer } = told(movable).vm(2);
    expect(answer).toMatch(
      /^vm2 moves to beta, because alpha is expected to have too few CPUs for its VMs; moving it to beta saves about 17\d CPU-minutes in the next hour for 4 GB$/,
    );
  });

  it("is the reason why others of its host stay", () => {
    expect(told(movable).vm(1).answer).toBe(
      "vm1 stays on alpha: its host is expected to lack 180 CPU-minutes in the next hour (13 of its 10 CPUs wanted), 0 CPU-minutes once the plan has moved vm2 to beta",
    );
  });
});

describe("EXPLAIN HOST with nothing but a rule that serves", () => {
  it("says what is short and what the plan does about it", () => {
    const { host } = told(movable);
    expect(host(100)).toMatchObject({
      verdict: "short",
      answer:
        "alpha is expected to lack 180 CPU-minutes in the next hour (13 of its 10 CPUs wanted); the plan moves 1 VM away from it, and it lacks nothing then",
    });
    expect(host(101)).toMatchObject({
      verdict: "keeps",
      answer:
        "beta is expected to lack nothing in the next hour (0 of its 10 CPUs wanted); the plan moves 1 VM onto it, and it lacks nothing then",
    });
  });

  it("says why nothing is done", () => {
    const { answer, details } = told(
      pool([
        { cpus: 8, gb: 60 },
        { cpus: 2.5, gb: 60 },
      ]),
    ).host(100);
    expect(answer).toBe(
      "alpha is expected to lack 30 CPU-minutes in the next hour (10.5 of its 10 CPUs wanted); nothing moves from or to it, and it stays so",
    );
    expect(details[0]).toMatch(
      /^Why it stays 30 CPU-minutes short: the best move, vm[12] to beta, would save /,
    );
    expect(details[1]).toMatch(
      /^vm[12] to beta would save .* GB that it counts for, 5 of them as any migration; the rule wants more than 1/,
    );
  });
});

describe("why nothing moves though a host is short", () => {
  it("is told with the best move that there is, in text, JSON and EXPLAIN alike", () => {
    const { lines, json, plan, vm } = told(
      pool([
        { cpus: 8, gb: 60 },
        { cpus: 2.5, gb: 60 },
      ]),
    );
    const [short] = plan.serve?.short ?? [];
    const [best] = short?.offers ?? [];
    expect(best?.perGigabyte).toBeCloseTo((best?.savedMinutes ?? 0) / 65, 9);
    expect(best?.savedMinutes).toBeGreaterThan(20);
    expect(best?.savedMinutes).toBeLessThan(25);
    const sentence =
      /the best move, vm[12] to beta, would save 2\d CPU-minutes for 61440 MB: 0\.\d+ for each of the 65 GB that it counts for, 5 of them as any migration; the rule wants more than 1 \(WORTH\)$/;
    expect(lines.at(-1)).toMatch(/^Nothing to do: alpha stays 30 CPU-minutes short: /);
    expect(lines.at(-1)).toMatch(sentence);
    expect(json["serve"]).toMatchObject({
      stillShort: [{ hostName: "alpha", shortageMinutes: 30, reason: expect.stringMatching(sentence) }],
    });
    const number = best?.vm === uuid(1) ? 1 : 2;
    expect(vm(number).answer).toMatch(
      /; moving it to beta would save 2\d CPU-minutes for 61440 MB: 0\.\d+ for each of the 65 GB that it counts for, 5 of them as any migration; the rule wants more than 1/,
    );
  });

  it("names the memory that is missing where no host can take a VM", () => {
    const { lines, vm } = told(pool([{ cpus: 12, gb: 4 }], [], 2));
    expect(lines.at(-1)).toBe(
      "  vm1 not to beta: not enough memory: needs 4096 MB + 0 MB headroom, has 2048 MB",
    );
    expect(lines.at(-2)).toBe(
      "Nothing to do: alpha stays 120 CPU-minutes short: no host can take any of its VMs: of 1 1 find no memory",
    );
    expect(vm(1)).toMatchObject({
      answer: expect.stringMatching(/; it can go nowhere: 1 reason follows$/),
      refusals: [{ vm: uuid(1), host: uuid(101) }],
    });
  });

  it("names a move that would be worth it and what forbids it", () => {
    const { lines } = told(
      pool(
        [
          { cpus: 6, gb: 4 },
          { cpus: 6, gb: 4 },
        ],
        [],
        2,
      ),
    );
    expect(lines.at(-1)).toMatch(
      /^Nothing to do: alpha stays 120 CPU-minutes short: moving vm[12] to beta would save 1\d\d CPU-minutes for 4096 MB, but not enough memory: needs 4096 MB/,
    );
  });

  it("names caps, rests and the limit of a run", () => {
    const two = pool([
      { cpus: 6, gb: 4 },
      { cpus: 6, gb: 4 },
    ]);
    const last = (extra: Partial<PlanOptions>) => told(two, extra).lines.join("\n");
    expect(last({ maxMoves: 0 })).toMatch(
      /moving vm\d to beta would save 1\d\d CPU-minutes for 4096 MB, but the limit of one run is reached \(ControlMaxMovesPerRun\)$/m,
    );
    expect(last({ movesLeftOf: () => 0 })).toMatch(
      /stays: its host takes part in as many moves as it may for now, 0 \(ControlMaxMovesPerHost\)/,
    );
    const rests = new Map([
      [uuid(1), "it moved 5 min ago"],
      [uuid(2), "excluded by ann"],
    ]);
    expect(last({ bannedVms: rests })).toMatch(
      /vm1 stays: it moved 5 min ago\n {2}vm2 stays: excluded by ann/,
    );
  });

  it("is not told where a rule of likeness alone has nothing to do", () => {
    const rules: readonly Rule[] = [{ subject: "CpuAverage", threshold: 25 }];
    expect(told(pool([{ cpus: 5, gb: 4 }]), { rules }).lines.at(-1)).toMatch(
      /^Nothing to do: no host breaks a rule\. CpuAverage: mean /,
    );
    const short = told(pool([{ cpus: 12, gb: 4 }], [], 2), { rules }).lines;
    expect(short.join("\n")).toMatch(
      /Nothing to do: alpha stays 120 CPU-minutes short: .*\n.*\nNo host breaks a rule\. CpuAverage: mean /,
    );
  });
});

/** beta is the busier one by what is measured: a narrow rule lets nothing come to it. */
function narrow() {
  const { snapshot, demands } = pool([
    { cpus: 6, gb: 4 },
    { cpus: 6, gb: 4 },
  ]);
  const hosts = snapshot.hosts.map((host, h) => ({ ...host, cpuAverage: h === 0 ? 30 : 47 }));
  const rules: readonly Rule[] = [{ subject: "CpuAverage", threshold: 10 }];
  return told({ snapshot: { ...snapshot, hosts }, demands }, { rules, targetFraction: 0.8 });
}

describe("a rule of likeness beside the one that serves", () => {
  it("is named where it forbids a move that serves, with what it allows and not what plans aim at", () => {
    const { lines, vm } = narrow();
    const reason =
      /moving vm[12] to beta would save 1\d\d CPU-minutes for 4096 MB, but beta would break the rule of CpuAverage: [\d.]+ % above the mean, allowed 10 \(no move that serves VMs breaks another rule or makes it worse\)/;
    expect(lines.find((line) => line.startsWith("Nothing to do: alpha stays"))).toMatch(reason);
    expect(
      [vm(1).answer, vm(2).answer].some((answer) => reason.test(answer.replace("moving it", "moving vm1"))),
    ).toBe(true);
  });

  it("has one limit, beside which is told what plans use of it", () => {
    const { snapshot, demands } = pool([{ cpus: 1, gb: 4 }], [{ cpus: 1, gb: 4 }]);
    const hosts = snapshot.hosts.map((host, h) => ({ ...host, cpuAverage: h === 0 ? 50 : 28 }));
    const vms = snapshot.vms.map((each) => ({ ...each, vcpuAverage: 25 }));
    const rules: readonly Rule[] = [{ subject: "CpuAverage", threshold: 10 }];
    const { lines } = told(
      { snapshot: { ...snapshot, hosts, vms }, demands },
      { rules, targetFraction: 0.8 },
    );
    expect(lines.join("\n")).toMatch(
      /vm1 not to beta: beta would break the rule of CpuAverage: 14 % above the mean, allowed 10, of which plans use 8 at most \(ControlTargetPercent\)/,
    );
  });

  it("is kept from bringing a VM where others would wait, in words of the next hour and not of now", () => {
    const { snapshot, demands } = pool(
      [
        { cpus: 4, gb: 4 },
        { cpus: 2, gb: 4 },
      ],
      [{ cpus: 9, gb: 4, spread: 2 }],
    );
    const hosts = snapshot.hosts.map((host, h) => ({ ...host, cpuAverage: h === 0 ? 60 : 23 }));
    const vms = snapshot.vms.map((each) => ({ ...each, vcpuAverage: 15 }));
    const rules: readonly Rule[] = [{ subject: "CpuAverage", threshold: 10 }];
    const { lines } = told({ snapshot: { ...snapshot, hosts, vms }, demands }, { rules });
    expect(lines.join("\n")).toMatch(
      /vm1 not to beta: it is at 23 % now, but [\d.]+ of its 10 CPUs \(give or take 2\) are expected to be wanted in the next hour, by the last hour; this VM wants 4 more, and VMs would wait \d+ CPU-minutes longer with it there \(SERVE CPU\)/,
    );
  });
});

describe("the table of a plan on a terminal", () => {
  const titles = (lines: readonly string[]) => lines.find((line) => /\bVM\b.*\bFrom\b/.test(line)) ?? "";
  const screen = { columns: 160, rows: 50, color: false, unicode: true };
  it("has what moves save, and no empty columns for rules that there are not", () => {
    const { plan } = told(movable);
    const shown = asTable(screen).moves(plan, new Names(movable.snapshot));
    expect(titles(shown)).toMatch(/Saves/);
    expect(titles(shown)).not.toMatch(/From's|To's/);
    expect(shown.join("\n")).toMatch(/17\d CPU-min/);
  });

  it("has the figures of hosts where a move keeps a rule", () => {
    const { snapshot } = chapterSix();
    const rules: readonly Rule[] = [{ subject: "CpuAverage", threshold: 25 }];
    const shown = asTable(screen).moves(planServing(snapshot, rules, options), new Names(snapshot));
    expect(titles(shown)).toMatch(/From's.*To's/);
    expect(titles(shown)).not.toMatch(/Saves/);
  });
});

describe("the page of a plan", () => {
  it("has the rule that serves, what hosts are short of, and says which mean is whose", () => {
    const rules: readonly Rule[] = [{ subject: "CpuAverage", threshold: 60 }];
    const { plan } = told(movable, { rules });
    const stored = aStored(movable.snapshot);
    const input = { stored, samples: [], rules, unknown: [], controlState: aControlState() };
    const assessment = { ...assess(input, controlDefaults(), null), stored };
    const page = planPage(
      {
        title: "Plan",
        assessment,
        plan,
        findings: [],
        remarks: [],
        settings: [],
        apply: { text: "", commands: [] },
      },
      { version: "x", by: "ann", at: 0 },
    );
    expect(page).toContain("<code>CPU WORTH 1 CPU-MINUTES PER GB OVER 60 MINUTES</code>");
    expect(page).toContain("<code>CpuAverage &gt; 60</code>");
    expect(page).toMatch(/<td[^>]*>SERVE<\/td>/);
    expect(page).toContain("Hosts that are expected to lack CPUs");
    expect(page).toMatch(
      /Before the plan: mean [\d.]+ %, limit [\d.]+; after it: mean [\d.]+ %, limit [\d.]+\./,
    );
    expect(page).toMatch(/limit after [\d.]+ %/);
    expect(page).toMatch(/mean after [\d.]+ %/);
  });
});

describe("a host that is short with less wanted than it has", () => {
  it("is told with the spread of what is wanted", () => {
    const { lines } = told(pool([{ cpus: 8, gb: 400, spread: 3 }]));
    expect(lines.join("\n")).toMatch(
      /of waiting expected in the next hour by what VMs wanted in the last hour\n {2}alpha: 8 of its 10 CPUs wanted, give or take 3, 2\d CPU-minutes short/,
    );
  });
});
