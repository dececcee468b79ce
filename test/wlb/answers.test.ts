/** Over random pools every answer is one that the pool's client takes; and the traps of the protocol, one by one. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assess, type DecisionInput } from "../../src/decide/assess.ts";
import { assessAsked } from "../../src/decide/placing.ts";
import type { Snapshot, Uuid } from "../../src/domain/pool.ts";
import { noOptions, type Rule, serveDefaults } from "../../src/domain/rule.ts";
import { balancingSteps, reasonWord } from "../../src/wlb/advice.ts";
import { starsFor } from "../../src/wlb/placement.ts";
import { adviceFrom, evacuationFrom } from "../../src/wlb/planning.ts";
import { reportLabels } from "../../src/wlb/reports/labels.ts";
import { localTime, reportTime } from "../../src/wlb/reports/parameters.ts";
import {
  type Advice,
  configurationAnswer,
  doneAnswer,
  evacuationAnswer,
  nextId,
  optimizationAnswer,
  placementAnswer,
  refusalAnswer,
  reportAnswer,
} from "../../src/wlbProtocol/answer.ts";
import { changeOf, completeConfiguration } from "../../src/wlbProtocol/configuration.ts";
import { writeDataSet } from "../../src/wlbProtocol/dataSet.ts";
import type { WlbMethod } from "../../src/wlbProtocol/methods.ts";
import { aControlState, aHost, aSnapshot, aStored, aVm, uuid } from "../support/fixtures.ts";
import { controlDefaults } from "../support/prompt.ts";
import { pools, ruleSets } from "../support/randomPools.ts";
import { someOf } from "../support/runs.ts";
import { type ClientPool, faultAbove, readAnswer } from "../support/wlb/clientReader.ts";

const control = controlDefaults({ sampleCount: 1, breaches: 1, planMs: 30, quietMinutes: 0 });
const defaults = { recentMoveMinutes: 60, pollIntervals: 2 };

function inputOf(snapshot: Snapshot, rules: readonly Rule[]): DecisionInput {
  return { stored: aStored(snapshot), samples: [], rules, unknown: [], controlState: aControlState() };
}

function clientOf(snapshot: Snapshot): ClientPool & { readonly residentOn: ReadonlyMap<string, string> } {
  return {
    hosts: snapshot.hosts.map(({ uuid }) => uuid),
    liveHosts: snapshot.hosts.filter(({ live }) => live).map(({ uuid }) => uuid),
    vms: snapshot.vms.map(({ uuid }) => uuid),
    residentOn: new Map(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid])),
  };
}

/** The rows that the client makes of an answer, which must be one that it and the layer above it take. */
function rowsOf(method: WlbMethod, body: string, snapshot: Snapshot): readonly (readonly string[])[] {
  expect(Buffer.byteLength(body)).toBeLessThan(1024 * 1024);
  const pool = clientOf(snapshot);
  const verdict = readAnswer({ method, status: 200, body }, pool);
  if ("error" in verdict) throw new Error(`${method}: ${verdict.error} ${verdict.parameters.join(" ")}`);
  expect(faultAbove(method, verdict.result, pool)).toBeNull();
  return verdict.result;
}

function isId(text: string | undefined): boolean {
  return /^\d+$/.test(text ?? "") && Number(text) >= 1 && Number(text) <= 0x7fff_ffff;
}

function starsIn(snapshot: Snapshot, rules: readonly Rule[], vm: Uuid) {
  const assessment = assessAsked(inputOf(snapshot, rules), control, null);
  return starsFor(
    { ...assessment, snapshot: assessment.stored?.snapshot ?? snapshot },
    control,
    vm,
    null,
    new Set(),
  );
}

/** 1,000 in the long form. */
const numRuns = someOf(250);

describe(`over ${numRuns} random pools`, () => {
  it("every answer is taken: one entry a live host, ids of 32 bits, no VM twice, targets that are enabled", () => {
    fc.assert(
      fc.property(pools, ruleSets, fc.nat({ max: 0x7fff_fffe }), (snapshot, rules, at) => {
        const firstId = at + 1;
        const enabled = new Set(
          snapshot.hosts.filter(({ enabled }) => enabled).map(({ uuid }) => uuid as string),
        );
        for (const vm of [snapshot.vms[0], snapshot.vms.at(-1)]) {
          const stars = vm === undefined ? null : starsIn(snapshot, rules, vm.uuid);
          if (stars === null) continue;
          for (const [, , text, id] of rowsOf(
            "VMGetRecommendations",
            placementAnswer(stars, firstId),
            snapshot,
          )) {
            expect(isId(id)).toBe(true);
            expect(Number(text)).toBeGreaterThanOrEqual(0);
            expect(Number(text)).toBeLessThanOrEqual(5);
          }
        }
        const { steps, severity } = adviceFrom(
          assess(inputOf(snapshot, rules), control, null),
          control,
          null,
        );
        let id = firstId;
        const advice = steps.map((step): Advice => {
          id = nextId(id);
          return step.kind === "move" ? { ...step, id } : { ...step, id };
        });
        for (const [vm, , to, plan, own] of rowsOf(
          "GetOptimizationRecommendations",
          optimizationAnswer(firstId, severity, advice),
          snapshot,
        )) {
          expect([isId(plan), isId(own), enabled.has(to ?? "")]).toEqual([true, true, true]);
          expect(clientOf(snapshot).residentOn.get(vm ?? "")).not.toBe(to);
        }
        const host = snapshot.hosts[0]?.uuid ?? uuid(1);
        const outcome = evacuationFrom(inputOf(snapshot, rules), control, host);
        if ("refused" in outcome) return;
        const moves = outcome.moves.map((move, index) => ({ ...move, id: index + 1 }));
        const body = evacuationAnswer({ moves, complete: outcome.complete });
        for (const [, , to] of rowsOf("HostGetRecommendations", body, snapshot)) {
          expect([to !== host, enabled.has(to ?? "")]).toEqual([true, true]);
        }
        // In whatever order the pool moves them each has room.
        for (const { uuid: to, placementFreeBytes } of snapshot.hosts) {
          const coming = new Set(moves.flatMap((move) => (move.to === to ? [move.vm] : [])));
          const arriving = snapshot.vms.filter((vm) => coming.has(vm.uuid));
          const bytes = arriving.reduce((sum, vm) => sum + (vm.placementBytes ?? 0), 0);
          if (coming.size > 0) expect(bytes).toBeLessThanOrEqual(placementFreeBytes ?? 0);
        }
      }),
      { numRuns, seed: 20261129 },
    );
  }, 600_000);

  it("any text survives the way: configurations, errors, reports, names that are hostile", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.constantFrom("<&>\"'", "]]>", "<!DOCTYPE a>", "\r\n\t x "),
    );
    const kept = (value: string) =>
      value.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "");
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 5 }), (pairs) => {
        const values = new Map(pairs.filter(([key]) => key.trim() !== ""));
        const read = rowsOf("GetXenPoolConfiguration", configurationAnswer(values), aSnapshot([]));
        // The client drops what is white space between elements, and takes everything else as it is.
        const plain = (value: string) => (/[^ \t\n]/.test(kept(value)) ? kept(value) : "");
        expect(read).toEqual([...values].map(([key, value]) => [plain(key), plain(value)]));
        const [[said = "x"] = []] = pairs;
        const refusal = readAnswer(
          {
            method: "GetDiagnostics",
            status: 200,
            body: refusalAnswer("GetDiagnostics", "unknownFailure", said),
          },
          clientOf(aSnapshot([])),
        );
        expect(refusal).toEqual({ error: "WLB_INTERNAL_ERROR", parameters: ["4014", plain(said)] });
      }),
      { numRuns: 500, seed: 20261129 },
    );
  });
});

describe("an evacuation", () => {
  const mebibyte = 1024 * 1024;
  const full = (n: number, freeMb: number) =>
    aHost({ uuid: uuid(n), cpuAverage: 20, memoryTotalMb: 5000, placementFreeBytes: freeMb * mebibyte });
  const [large, small, guest] = [
    aVm({ uuid: uuid(11), memoryMb: 3000 }),
    aVm({ uuid: uuid(12), memoryMb: 500 }),
    aVm({ uuid: uuid(13), memoryMb: 1500 }),
  ];

  it("has no VM wait for room that a VM of another host would have to make: the pool's order is its own", () => {
    // The large one would fit on host 2 if the guest there went to host 3.
    const snapshot = aSnapshot([
      [full(1, 1000), [large, small]],
      [full(2, 2000), [guest]],
      [full(3, 2000), []],
    ]);
    const outcome = evacuationFrom(inputOf(snapshot, []), { ...control, headroomBytes: 0 }, uuid(1));
    expect(outcome).toMatchObject({ moves: [{ vm: small.uuid }], complete: false });
  });

  it("goes by a rule that serves VMs: not where they would wait for CPUs while another host has some", () => {
    const wanting = (n: number, cpuDemand: number) =>
      aVm({ uuid: uuid(n), memoryMb: 500, vcpuNum: 4, vcpuAverage: 10, cpuDemand });
    const snapshot = aSnapshot([
      [full(1, 4000), [wanting(11, 60)]],
      [full(2, 4000), [wanting(21, 100)]],
      [full(3, 3000), [wanting(31, 10)]],
    ]);
    const input = inputOf(snapshot, []);
    const to = (serving: NonNullable<DecisionInput["serving"]>) => {
      const outcome = evacuationFrom({ ...input, serving }, { ...control, headroomBytes: 0 }, uuid(1));
      return "refused" in outcome ? outcome.why : outcome.moves.map((move) => move.to);
    };
    expect(to([])).toEqual([uuid(2)]);
    expect(to([{ serve: "CPU", ...serveDefaults, ...noOptions }])).toEqual([uuid(3)]);
  });
});

describe("the traps of the protocol", () => {
  const busy = aHost({ uuid: uuid(1), cpuAverage: 90 });
  const off = aHost({ uuid: uuid(2), enabled: false });
  const dead = aHost({ uuid: uuid(3), live: false, enabled: false });
  const vm = aVm({ uuid: uuid(11), vcpuAverage: 50 });
  const halted = aVm({ uuid: uuid(12), powerState: "Halted" });
  const pool = aSnapshot(
    [
      [busy, [vm]],
      [off, []],
      [dead, []],
    ],
    { halted: [halted] },
  );

  it("a code of 0 would be an error where a configuration is sent: nothing at all is answered", () => {
    expect(doneAnswer("SetXenPoolConfiguration")).not.toContain("ResultCode");
    expect(rowsOf("SetXenPoolConfiguration", doneAnswer("SetXenPoolConfiguration"), pool)).toEqual([]);
  });

  it("no recommendations are an empty result, not an empty list", () => {
    const body = optimizationAnswer(7, "Low", []);
    expect(body).not.toContain("Recommendations/>");
    expect(rowsOf("GetOptimizationRecommendations", body, pool)).toEqual([]);
  });

  it("a live host that is disabled has its entry, with a reason; a dead one has none", () => {
    const stars = starsIn(pool, [], halted.uuid) ?? [];
    expect(stars.map(({ host }) => host)).toEqual([uuid(1), uuid(2)]);
    const rows = rowsOf("VMGetRecommendations", placementAnswer(stars, 1), pool);
    expect(rows[1]).toEqual([
      uuid(2),
      "WLB",
      "0.0",
      "2",
      expect.stringMatching(/disabled|maintenance|enabled/),
    ]);
  });

  it("a host with stars has the reason None, whatever was said of it; one without never has", () => {
    const body = placementAnswer(
      [
        { host: uuid(1), stars: 3, reason: "nearly full" },
        { host: uuid(2), stars: 0, reason: "" },
      ],
      5,
    );
    expect([...body.matchAll(/<ZeroScoreReason>(.*?)</g)].map(([, reason]) => reason)).toEqual([
      "None",
      "Other",
    ]);
  });

  it("numbers stay positive and within 32 bits when they have been used up", () => {
    expect([nextId(1), nextId(0x7fff_fffe), nextId(0x7fff_ffff)]).toEqual([2, 0x7fff_ffff, 1]);
    const stars = [1, 2].map((n) => ({ host: uuid(n), stars: 1, reason: "" }));
    expect(placementAnswer(stars, 0x7fff_ffff)).toContain("<RecommendationId>1</RecommendationId>");
  });

  it("uuids are written in lower case, as whoever asks knows them", () => {
    const upper = {
      ...pool,
      hosts: pool.hosts.map((host) => ({ ...host, uuid: host.uuid.toUpperCase() as Uuid })),
    };
    expect(starsIn(upper, [], halted.uuid)?.map(({ host }) => host)).toEqual([uuid(1), uuid(2)]);
  });

  it("stars are plain decimals with a point", () => {
    const body = placementAnswer([{ host: uuid(1), stars: 4 / 3, reason: "" }], 1);
    expect(body).toContain("<Stars>1.33</Stars>");
  });

  it("reasons of moves are words that XenCenter has a label for", () => {
    const words =
      "PowerOn PowerOff Consolidate Cpu Disk DiskRead DiskWrite LoadAverage Memory Network NetworkRead NetworkWrite None";
    fc.assert(
      fc.property(ruleSets, (rules) => {
        for (const rule of [null, ...rules]) expect(words.split(" ")).toContain(reasonWord(rule));
      }),
      { numRuns: 50 },
    );
  });

  it("a VM that would move twice is listed once: what comes after its first stop is left to the next plan", () => {
    const move = (n: number, from: number, to: number) =>
      ({ vm: uuid(n), source: uuid(from), destination: uuid(to), rule: null, reason: "r" }) as never;
    const twice = balancingSteps([move(1, 1, 2), move(2, 1, 3), move(3, 2, 1), move(2, 3, 2)]);
    expect(twice.map((step) => step.kind === "move" && step.vm)).toEqual([uuid(1)]);
    const first = balancingSteps([move(2, 1, 3), move(3, 2, 1), move(2, 3, 2)]);
    expect(first.map((step) => step.kind === "move" && step.vm)).toEqual([uuid(2), uuid(3)]);
  });

  it("minutes of rest are within what XenCenter's page takes, and its words are never missing", () => {
    for (const minutes of ["0", "1000", "-5", "soon", ""]) {
      const stored = new Map([
        ["RecentMoveMinutes", minutes],
        ["AutoBalanceSeverity", "dreadful"],
        ["AutoBalanceAggressiveness", ""],
      ]);
      const values = completeConfiguration(stored, [], defaults);
      expect(Number(values.get("RecentMoveMinutes"))).toBeGreaterThanOrEqual(1);
      expect(Number(values.get("RecentMoveMinutes"))).toBeLessThanOrEqual(260);
      expect(values.get("AutoBalanceSeverity")).toBe("High");
      expect(values.get("AutoBalanceAggressiveness")).toBe("Medium");
      expect(values.get("PoolAuditLogGranularity")).toBe("Minimum");
    }
  });

  it("what XenCenter sends back as it was given does not begin to act", () => {
    const given = completeConfiguration(new Map(), [], defaults);
    const sent = new Map([
      ...given,
      ["HostCpuThresholdCritical", "0.85"],
      ["set_host_configuration", "true"],
    ]);
    const change = changeOf(sent, given, new Map());
    expect(change).toMatchObject({ set: new Map([["HostCpuThresholdCritical", "0.85"]]), gone: [] });
  });

  it("new schedules get numbers, deleted ones go", () => {
    const stored = new Map([
      ["schedTask_4_TaskName", "night"],
      ["schedTask_4_TaskEnabled", "true"],
    ]);
    const sent = new Map([
      ["schedTask_0_TaskName", "day"],
      ["schedTask_0_TriggerType", "1"],
      ["schedTask_4_TaskDelete", "true"],
      ["delete_scheduled_task", "true"],
      ["set_scheduled_task", "true"],
    ]);
    const change = changeOf(sent, stored, stored);
    if (typeof change === "string") throw new Error(change);
    expect([...change.set.keys()]).toEqual(["schedTask_5_TaskName", "schedTask_5_TriggerType"]);
    expect([...change.gone].sort()).toEqual([
      "schedTask_4_TaskDelete",
      "schedTask_4_TaskEnabled",
      "schedTask_4_TaskName",
    ]);
  });

  it("a report has its schema and its row of labels, even without rows, and goes as text", () => {
    const document = writeDataSet({
      columns: { day: "dateTime", n: "int" },
      rows: [],
      labels: { LBL_A: "a|b" },
    });
    expect(document).toMatch(
      /^<NewDataSet><xs:schema .*<\/xs:schema><Table1><name>LBL_A<\/name><description>a\/b</,
    );
    expect(rowsOf("ExecuteReport", reportAnswer(document), pool)).toEqual([[document]]);
  });

  it("labels are those of XenCenter's layouts, each with a text", () => {
    const each = (name: string, ends: string) => ends.split(" ").map((end) => `LBL_${name}${end}`);
    const averages = [
      ...each("AVERAGE_", "CPU_USAGE FREE_MEMORY NETWORK_READS NETWORK_WRITES"),
      ...each("AVG_", "CPU_USAGE CPU_USAGE_PERCENT FREE_MEMORY FREE_MEMORY_MB NETWORK_READS NETWORK_WRITES"),
      ...each("AVG_", "BYTES_PER_SECOND CRIT_THRESH HIGH_THRESH MED_THRESH LOW_THRESH"),
      ...each("CLICK_GROUPBY_", "DAY HOUR"),
    ];
    const wanted: Readonly<Record<string, readonly string[]>> = {
      pool_health: [
        ...each("", "POOL_HEALTH HOST HOST_HEALTH CPU_USAGE MEMORY_USAGE NETWORK_READS NETWORK_WRITES"),
        ...["CRIT", "HIGH", "MED", "LOW"].map((level) => `LBL_AVG_${level}_THRESH_PERCENT`),
      ],
      pool_health_history: ["LBL_POOL_HEALTH_HISTORY", ...averages],
      host_health_history: ["LBL_HOST_HEALTH_HISTORY", ...averages],
      optimization_performance_history: each("", "POOL_OPT_PERF_HISTORY OPTIMIZATION_EVENT").concat(averages),
      vm_movement_history: each(
        "",
        "VM_MOTION_HISTORY DATE TIME VM_NAME FROM_HOST TO_HOST OPTIMIZATION REASON TOTAL_VM_MOVES",
      ),
      vm_performance_history: [
        ...each("", "VM_PERF_HISTORY VM DISK_READS_BPS DISK_WRITES_BPS BPS MB PERCENT"),
        ...each("AVERAGE_", "CPU_USAGE MEMORY_USAGE NETWORK_ACTIVITY DISK_ACTIVITY"),
        ...each(
          "AVG_",
          "CPU_USAGE CPU_USAGE_PERCENT FREE_MEMORY FREE_MEMORY_MB NETWORK_READS NETWORK_WRITES",
        ),
        ...each("AVG_", "NETWORK_READS_BPS NETWORK_WRITES_BPS DISK_READS DISK_WRITES"),
      ],
    };
    expect(Object.keys(reportLabels).sort()).toEqual(Object.keys(wanted).sort());
    for (const [report, labels] of Object.entries(wanted)) {
      const texts = reportLabels[report] ?? {};
      const lacking = [...labels, "LBL_FOOTER_LEFT", "LBL_FOOTER_PAGE"].filter((label) => !texts[label]);
      expect([report, lacking]).toEqual([report, []]);
      expect(texts["LBL_FOOTER_PAGE"]).toMatch(/\{0\}.*\{1\}/);
    }
  });

  it("hours are those of whoever asks, as text that sorts as time does: layouts sort by it", () => {
    const east = reportTime(new Map([["UTCOffset", "330"]]), 0);
    expect(localTime(23 * 3600, east)).toEqual({
      day: "1970-01-02T00:00:00",
      hour: "04",
      moment: "1970-01-02T04:30:00",
    });
    const hours = [22, 9, 0, 10].map((hour) => localTime(hour * 3600, reportTime(new Map(), 0)).hour);
    expect(hours.sort()).toEqual(["00", "09", "10", "22"]);
  });

  it("Start and End are days from today, in the time of whoever asks", () => {
    const now = Date.UTC(2026, 10, 29, 22, 30) / 1000;
    const span = (values: Readonly<Record<string, string>>) => {
      const { from, to } = reportTime(new Map(Object.entries(values)), now).span;
      return [from, to].map((seconds) => new Date(seconds * 1000).toISOString().slice(0, 16));
    };
    expect(span({ Start: "-7", End: "0" })).toEqual(["2026-11-22T00:00", "2026-11-30T00:00"]);
    // Four hours east of Greenwich it is the next day already.
    expect(span({ Start: "0", End: "0", UTCOffset: "240" })).toEqual([
      "2026-11-29T20:00",
      "2026-11-30T20:00",
    ]);
    for (const Start of ["2026-11-01", "1e3", "-99999", "'"]) {
      expect(() => span({ Start })).toThrow(/Start is no number of days|at most/);
    }
  });
});
