import { describe, expect, test } from "vitest";
import type { Bans } from "../../src/decide/cooldown.ts";
import type { Gate } from "../../src/domain/gate.ts";
import type { Host, InfeasiblePair, Snapshot, Uuid, Vm } from "../../src/domain/pool.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { type ExplainContext, explainHost, explainVm } from "../../src/explain/explain.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { Names } from "../../src/text/names.ts";
import { aHost, aSnapshot, aVm, chapterSix, uuid } from "../support/fixtures.ts";

const { snapshot, host1, host2, vm1, vm2, vm3 } = chapterSix();
const cpu: Rule = { subject: "CpuAverage", threshold: 25 };
const noBans: Bans = { vms: new Map(), hosts: new Map(), failing: new Map(), pairs: new Map() };

/** What answers are read off when the next run is asked about `pool`. */
function assessmentOf(
  pool: Snapshot,
  rules: readonly Rule[] = [cpu],
  bans: Bans = noBans,
  maxMoves = 10,
): ExplainContext {
  const pairs = [...bans.hosts].flatMap(([host, reason]) =>
    pool.placements.map(({ vmUuid }): [string, string] => [`${vmUuid}>${host}`, reason]),
  );
  const plan = planMigrations(pool, rules, {
    maxMoves,
    headroomBytes: 0,
    bannedVms: bans.vms,
    bannedPairs: new Map(pairs),
  });
  return { snapshot: pool, plan, bans, gate: null, suppressed: () => null, names: new Names(pool) };
}

const answerOf = (assessment: ExplainContext, vm: Vm): string => explainVm(assessment, vm).answer;
const hostAnswer = (assessment: ExplainContext, host: Host): string => explainHost(assessment, host).answer;

const gate: Gate = {
  code: "paused",
  measured: "paused by anna",
  limit: "until somebody resumes",
  advice: "RESUME CONTROL ends it",
};

describe("EXPLAIN VM", () => {
  test("of the VM that the plan moves says where to, and by which figures", () => {
    const explained = explainVm(assessmentOf(snapshot), vm2);
    expect(explained.verdict).toBe("moves");
    expect(explained.answer).toBe(
      "VM2 - Debian moves to Host1, because Host2 is 37.5 % above the mean of CpuAverage (100, mean 62.5, allowed 25) and comes to 50.5 without it",
    );
    expect(explained.moves.map(({ destination }) => destination)).toEqual([host1.uuid]);
    expect(explained.details).toEqual([
      "Move 1: VM2 - Debian: Host2 -> Host1; CpuAverage Host2 100 -> 50.5, Host1 25 -> 74.5 (mean 62.5 %, allowed 25 above it); 256 MB to copy, which takes 198 % of CpuAverage off Host2 for each GiB",
    ]);
  });

  test("of a VM on a host that breaks no rule gives the host's value, the mean, the deviation and the threshold", () => {
    expect(answerOf(assessmentOf(snapshot), vm1)).toBe(
      "VM1 - Debian stays on Host1: its host breaks no rule (CpuAverage 25 %, 37.5 below the mean of 62.5, allowed 25)",
    );
  });

  test("of a VM whose host is helped by another one names that one", () => {
    expect(answerOf(assessmentOf(snapshot), vm3)).toBe(
      "VM3 - Ubuntu stays on Host2: its host keeps the rules without it, once the plan has moved VM2 - Debian to Host1",
    );
  });

  test.each([
    ["a control domain", { isControlDomain: true }, "it is a control domain"],
    ["a paused VM", { powerState: "Paused" }, "it is Paused, not Running"],
    ["an immovable VM", { immovable: "VM_HAS_VGPU" }, "VM_HAS_VGPU"],
  ])("of %s says so before everything else", (_, fields, reason) => {
    const odd = { ...vm2, ...fields };
    const pool = aSnapshot([
      [host1, [vm1]],
      [host2, [odd, vm3]],
    ]);
    expect(answerOf(assessmentOf(pool), odd)).toBe(`VM2 - Debian stays on Host2: ${reason}`);
  });

  test("of a halted VM says that it does not run", () => {
    const halted = aVm({ uuid: uuid(77), name: "old", powerState: "Halted" });
    const pool = aSnapshot([[host1, [vm1]]], { halted: [halted] });
    expect(answerOf(assessmentOf(pool), halted)).toBe("old stays: it is Halted, not Running");
  });

  test("of a VM that is excluded or rests gives the reason as the plan has it", () => {
    const bans = {
      vms: new Map([[vm2.uuid, "it is excluded by anna: licence"]]),
      hosts: new Map(),
      failing: new Map(),
      pairs: new Map(),
    };
    const assessment = assessmentOf(snapshot, [cpu], bans);
    expect(answerOf(assessment, vm2)).toBe("VM2 - Debian stays on Host2: it is excluded by anna: licence");
    expect(explainVm(assessment, vm3).verdict).toBe("moves");
  });

  test("of a VM that no host can take gives every destination's refusal", () => {
    const host3 = aHost({ uuid: uuid(3), name: "Host3", cpuAverage: 30, placementFreeBytes: 0 });
    const infeasiblePairs: InfeasiblePair[] = [vm2, vm3].map(({ uuid: vmUuid }) => ({
      vmUuid,
      hostUuid: host1.uuid,
      reason: "VM_REQUIRES_SR: local",
    }));
    const pool = aSnapshot(
      [
        [host1, [vm1]],
        [host2, [vm2, vm3]],
        [host3, []],
      ],
      { infeasiblePairs },
    );
    const explained = explainVm(assessmentOf(pool), vm2);
    expect(explained.verdict).toBe("stays");
    expect(explained.answer).toBe(
      "VM2 - Debian stays on Host2: its host stays above what CpuAverage allows, with 100 %, and it cannot help: 2 reasons follow",
    );
    expect(explained.details).toEqual([
      "Host2: CpuAverage 100 %, 48.33 above the mean of 51.67, allowed 25: BREAKS IT",
      "Nothing was searched for: it is proved that all of this stays",
      "VM2 - Debian not to Host3: not enough memory: needs 256 MB + 0 MB headroom, has 0 MB",
      "VM2 - Debian not to Host1: VM_REQUIRES_SR: local",
    ]);
    expect(explained.refusals).toHaveLength(2);
  });

  test("of a VM on a host that takes no part says why the host does not", () => {
    const pool = aSnapshot([
      [host1, [vm1]],
      [{ ...host2, enabled: false }, [vm2, vm3]],
    ]);
    expect(answerOf(assessmentOf(pool), vm2)).toBe(
      "VM2 - Debian stays on Host2: its host is left out of mean and moves: it is disabled (maintenance)",
    );
  });

  test("without rules says that there are none", () => {
    expect(answerOf(assessmentOf(snapshot, []), vm2)).toBe("VM2 - Debian stays on Host2: there are no rules");
  });

  test("while control is paused says that it stays for now, and what would be done", () => {
    const explained = explainVm({ ...assessmentOf(snapshot), gate }, vm2);
    expect(explained.verdict).toBe("stays");
    expect(explained.answer).toContain(
      "VM2 - Debian stays for now: the next run does nothing: refused: paused",
    );
    expect(explained.details[0]).toContain("Without that VM2 - Debian moves to Host1");
  });

  test("on data that no plan is made from names the gate", () => {
    const explained = explainVm({ ...assessmentOf(snapshot), plan: null, gate }, vm2);
    expect(explained).toMatchObject({
      verdict: "stays",
      answer:
        "VM2 - Debian stays: the next run does nothing: refused: paused: paused by anna, limit until somebody resumes; RESUME CONTROL ends it",
    });
  });
});

describe("EXPLAIN HOST", () => {
  test("of one that breaks a rule gives its figures and what the plan does about it", () => {
    const explained = explainHost(assessmentOf(snapshot), host2);
    expect(explained.verdict).toBe("breaks");
    expect(explained.answer).toBe(
      "Host2 breaks CpuAverage (CpuAverage 100 %, 37.5 above the mean of 62.5, allowed 25); the plan moves 1 VM away from it, then it keeps every rule",
    );
    expect(explained.details[0]).toBe(
      "Host2: CpuAverage 100 %, 37.5 above the mean of 62.5, allowed 25: BREAKS IT; the plan brings it to 50.5",
    );
    expect(explained.figures).toEqual([
      {
        rule: cpu,
        value: 100,
        mean: 62.5,
        deviation: 37.5,
        broken: true,
        suppressed: null,
        valueAfter: 50.5,
        brokenAfter: false,
      },
    ]);
  });

  test("of one that keeps every rule says so with its figures, and what comes to it", () => {
    const explained = explainHost(assessmentOf(snapshot), host1);
    expect(explained.verdict).toBe("keeps");
    expect(explained.answer).toBe(
      "Host1 keeps every rule (CpuAverage 25 %, 37.5 below the mean of 62.5, allowed 25); the plan moves 1 VM onto it",
    );
  });

  test("of one that stays broken says so and why", () => {
    const bans = {
      vms: new Map([vm2, vm3].map(({ uuid: vm }) => [vm, "it rests"])),
      hosts: new Map(),
      failing: new Map(),
      pairs: new Map(),
    };
    const explained = explainHost(assessmentOf(snapshot, [cpu], bans), host2);
    expect(explained.answer).toBe(
      "Host2 breaks CpuAverage (CpuAverage 100 %, 37.5 above the mean of 62.5, allowed 25); nothing moves from or to it, it stays above what CpuAverage allows, with 100 %",
    );
    expect(explained.details.slice(1)).toEqual([
      "Nothing was searched for: it is proved that all of this stays",
      "VM2 - Debian stays: it rests",
      "VM3 - Ubuntu stays: it rests",
    ]);
  });

  test("of one that takes no part says why", () => {
    const dead = { ...host2, live: false };
    const pool = aSnapshot([
      [host1, [vm1]],
      [dead, [vm2, vm3]],
    ]);
    expect(explainHost(assessmentOf(pool), dead)).toMatchObject({
      verdict: "absent",
      answer: "Host2 counts in no mean and takes nothing: the pool says it is not alive",
    });
  });

  test("of one that is excluded says by whom, and that nothing goes there", () => {
    const bans: Bans = {
      vms: new Map<Uuid, string>(),
      hosts: new Map([[host1.uuid, "it is excluded by anna: fan"]]),
      failing: new Map(),
      pairs: new Map(),
    };
    const assessment = assessmentOf(snapshot, [cpu], bans);
    expect(explainHost(assessment, host1).details[0]).toBe(
      "Nothing goes to it or leaves it: it is excluded by anna: fan",
    );
    expect(hostAnswer(assessment, host2)).toContain("nothing moves from or to it");
  });

  test("while control is paused says that nothing is done", () => {
    const explained = explainHost({ ...assessmentOf(snapshot), gate }, host2);
    expect(explained.details[0]).toContain("The next run does nothing: refused: paused");
  });
});
