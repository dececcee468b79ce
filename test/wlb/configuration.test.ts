/** What XenCenter edits: every key that the protocol knows is given, keeps what was set, and says in the log if it does nothing. */
import { describe, expect, it } from "vitest";
import { actingKeys, hasEffect } from "../../src/domain/workloadBalancing.ts";
import { configurationAnswer } from "../../src/wlbProtocol/answer.ts";
import { changeOf, completeConfiguration } from "../../src/wlbProtocol/configuration.ts";
import { uuid } from "../support/fixtures.ts";
import { readAnswer } from "../support/wlb/clientReader.ts";

const host = uuid(7);
const hosts = [{ uuid: host, canPowerOn: true }];
const defaults = { recentMoveMinutes: 60, pollIntervals: 2 };
const given = (stored: ReadonlyMap<string, string> = new Map()) =>
  completeConfiguration(stored, hosts, defaults);

const levels = ["Critical", "High", "Medium", "Low"];
const below = ["High", "Medium", "Low"];
const crossed = (stems: readonly string[], ends: readonly string[]) =>
  stems.flatMap((stem) => ends.map((end) => stem + end));
const resources = ["Cpu", "Memory", "NetworkRead", "NetworkWrite", "DiskRead", "DiskWrite"];
const booleans = [
  "EnableOptimizationModeSchedules",
  "OverCommitCpuInPerfMode",
  "OverCommitCpuInDensityMode",
  "AutoBalanceEnabled",
  "PowerManagementEnabled",
  "CredentialsValid",
];
const enums: Readonly<Record<string, readonly string[]>> = {
  AutoBalanceSeverity: ["Low", "Medium", "High", "Critical"],
  AutoBalanceAggressiveness: ["Low", "Medium", "High"],
  PoolAuditLogGranularity: ["Minimum", "Medium", "Maximum"],
};
const numbers = [
  "OptimizationMode",
  "RecentMoveMinutes",
  "AutoBalancePollIntervals",
  "PowerManagementPollIntervals",
  ...crossed(
    [
      "HostCpuThreshold",
      "HostMemoryThreshold",
      "HostPifReadThreshold",
      "HostPifWriteThreshold",
      "HostPbdReadThreshold",
      "HostPbdWriteThreshold",
    ],
    levels,
  ),
  ...crossed(crossed(resources, below), ["ThresholdFactor"]),
  ...crossed(crossed(resources, ["Medium", "Low"]), ["WeightFactor"]),
  "diskWriteMediumWeightFactor",
  ...crossed(
    [
      "VmCpuUtilizationWeight",
      "VmMemoryWeight",
      "VmNetworkReadWeight",
      "VmNetworkWriteWeight",
      "VmDiskReadWeight",
      "VmDiskWriteWeight",
    ],
    below,
  ),
];
const ofHost = [
  "ParticipatesInPowerManagement",
  "LastPowerOnSucceeded",
  "ExcludeFromPlacementRecommendations",
  "ExcludeFromEvacuationRecommendations",
  "ExcludeFromPoolOptimizations",
  "ExcludeFromPoolOptimizationAcceptVMs",
].map((name) => `host_${host}_${name}`);
const every = [
  "WlbVersion",
  "ReportingSMTPServer",
  ...booleans,
  ...Object.keys(enums),
  ...numbers,
  ...ofHost,
];

describe("what is given", () => {
  it("is every key, each of its kind: numbers with a point and no exponent, booleans, words of their list", () => {
    const values = given();
    expect([...values.keys()].sort()).toEqual(every.toSorted());
    for (const key of numbers)
      expect([key, values.get(key)]).toEqual([key, expect.stringMatching(/^\d+(\.\d+)?$/)]);
    for (const key of [...booleans, ...ofHost])
      expect([key, values.get(key)]).toEqual([key, expect.stringMatching(/^(true|false)$/)]);
    for (const [key, words] of Object.entries(enums)) expect(words).toContain(values.get(key));
  });

  it("derives thresholds and weights as XenCenter would by the factors beside them", () => {
    const number = (key: string) => Number(given().get(key));
    const stems: Readonly<Record<string, string>> = {
      Cpu: "HostCpuThreshold",
      Memory: "HostMemoryThreshold",
      NetworkRead: "HostPifReadThreshold",
      NetworkWrite: "HostPifWriteThreshold",
      DiskRead: "HostPbdReadThreshold",
      DiskWrite: "HostPbdWriteThreshold",
    };
    for (const [resource, stem] of Object.entries(stems))
      for (const level of below)
        expect(number(stem + level)).toBeCloseTo(
          number(`${stem}Critical`) * number(`${resource}${level}ThresholdFactor`),
          3,
        );
    expect(number("VmMemoryWeightLow")).toBe(number("MemoryLowWeightFactor"));
  });
});

describe("what is sent", () => {
  it("is given back, every key of it, known or not, and what it does not name keeps its value", () => {
    const other = (key: string): string => {
      if (key === "WlbVersion") return "7.1";
      if (booleans.includes(key) || ofHost.includes(key))
        return given().get(key) === "true" ? "false" : "true";
      const words = enums[key];
      if (words !== undefined) return words.find((word) => word !== given().get(key)) ?? "";
      if (key === "OptimizationMode") return "1";
      if (key === "ReportingSMTPServer") return "mail.example.org";
      return String(Number(given().get(key)) * 0.5 + 1);
    };
    const unknown: [string, string][] = [
      ["<awkward", "a"],
      ["&sand", "<&>"],
      ["long", "x".repeat(160)],
      ["schedTask_3_TaskName", "night"],
      ["schedTask_3_TriggerEndabledDate", "11/30/2026 10:00:00"],
      ["rpSub_2_emailTo", "a@b"],
    ];
    const sent = new Map([...every.map((key): [string, string] => [key, other(key)]), ...unknown]);
    const change = changeOf(sent, given(), new Map());
    if (typeof change === "string") throw new Error(change);
    const back = given(change.set);
    for (const [key, value] of sent) expect([key, back.get(key)]).toEqual([key, value]);
    // As the pool's client reads it.
    const verdict = readAnswer(
      { method: "GetXenPoolConfiguration", status: 200, body: configurationAnswer(back) },
      { hosts: [], liveHosts: [], vms: [] },
    );
    expect("result" in verdict && new Map(verdict.result as [string, string][])).toEqual(back);
    // One more is sent alone.
    const later = changeOf(new Map([["RecentMoveMinutes", "9"]]), back, change.set);
    if (typeof later === "string") throw new Error(later);
    expect(given(new Map([...change.set, ...later.set])).get("VmMemoryWeightHigh")).toBe(
      other("VmMemoryWeightHigh"),
    );
  });

  it("without effect is named: keys that nothing here goes by, and values that make no sense", () => {
    const idle = (values: Readonly<Record<string, string>>) => {
      const change = changeOf(new Map(Object.entries(values)), given(), new Map());
      return typeof change === "string" ? [change] : change.withoutEffect;
    };
    expect(
      idle({
        VmMemoryWeightHigh: "0.2",
        AutoBalanceSeverity: "Low",
        [`host_${host}_LastPowerOnSucceeded`]: "false",
        HostCpuThresholdCritical: "1.5",
        AutoBalancePollIntervals: "many",
        AutoBalanceEnabled: "perhaps",
      }),
    ).toHaveLength(6);
    expect(
      idle({
        AutoBalanceEnabled: "False",
        AutoBalancePollIntervals: "5",
        RecentMoveMinutes: "30",
        HostCpuThresholdCritical: "0.8",
        HostMemoryThresholdCritical: "1073741824",
        HostPifReadThresholdCritical: "1e8",
        HostPifWriteThresholdCritical: "125000000",
        OptimizationMode: "1",
        PowerManagementEnabled: "TRUE",
        [`host_${host}_ExcludeFromPoolOptimizations`]: "true",
        [`host_${host}_ParticipatesInPowerManagement`]: "true",
      }),
    ).toEqual([]);
    expect(actingKeys.filter((key) => hasEffect(key, "nonsense"))).toEqual([]);
  });
});
