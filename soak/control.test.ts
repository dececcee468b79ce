/** The long crash tests of xcp-control. Their short form is test/programs/crash-control.test.ts. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Arena, openArena } from "../test/support/controlArena.ts";
import {
  aMinuteLater,
  controlRound,
  crowdedRound,
  goOnAfterwards,
  strike,
} from "../test/support/controlCrashes.ts";
import { spread } from "../test/support/crashes.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterAll(() => arena?.close());

/** Events of a run that nobody disturbs. */
async function eventsOfARun(): Promise<number> {
  return controlRound(arena, {}, async ({ wire, start }) => {
    wire.restart();
    expect((await (await start()).ended).code).toBe(0);
    return wire.events;
  });
}

it.each([
  ["killed", "SIGKILL", 200],
  ["told to end", "SIGTERM", 50],
] as const)(
  "control, %s at events on the wire: no VM moves twice, every row is closed by the next run",
  async (what, signal, count) => {
    const began = performance.now();
    const total = await eventsOfARun();
    const figures = { events: total, rounds: 0, struck: 0, pool: 0, mysql: 0 };
    for (; figures.rounds < count; figures.rounds++) {
      // More rounds than events: the same event again, the other way.
      const number = spread(total, Math.min(total, count))[figures.rounds % Math.min(total, count)] ?? 1;
      const moment = figures.rounds % 2 === 0 ? "before" : "after";
      await controlRound(arena, {}, async (round) => {
        const { event } = await strike(round, (each) => each.number === number, signal, moment);
        if (event !== null) {
          figures.struck++;
          figures[event.side]++;
        }
        await goOnAfterwards(arena, round.ring);
      });
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.info(`control ${what} (${signal}): ${JSON.stringify(figures)}, ${seconds} s`);
    expect(figures.struck).toBeGreaterThan(count * 0.9);
  },
);

it("control with four transfers in flight and an administrator's migrations beside, ended at 60 events: no VM moves twice", async () => {
  const began = performance.now();
  const figures = { rounds: 0, struck: 0, withFour: 0, byHand: 0 };
  // The pool's time stands still until the event: it asks how far they are until then.
  for (const number of spread(400, 60)) {
    const signal = figures.rounds % 3 === 2 ? "SIGTERM" : "SIGKILL";
    const moment = figures.rounds % 2 === 0 ? "before" : "after";
    const { event, most, byHand } = await crowdedRound(
      arena,
      (each) => each.number === number,
      signal,
      moment,
    );
    figures.rounds++;
    if (event !== null) figures.struck++;
    if (most === 4) figures.withFour++;
    figures.byHand += byHand;
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.info(`control, four at once: ${JSON.stringify(figures)}, ${seconds} s`);
  expect(figures.struck).toBe(60);
  expect(figures.withFour).toBeGreaterThan(30);
});

it("control, stopped beyond its lease at 30 events on the wire while another one acts, moves no VM twice when it wakes", async () => {
  const began = performance.now();
  const total = await eventsOfARun();
  const figures = { rounds: 0, stopped: 0, codes: new Map<number | null, number>() };
  // Runs differ in how often they ask how far the migration is: the last events may not come up.
  for (const number of spread(total - 60, 30)) {
    await controlRound(arena, {}, async ({ ring, wire, start }) => {
      const first = await start({ ControlLeaseSeconds: "5" });
      let isStopped = false;
      const stopped = new Promise<void>((resolve) => {
        wire.assess = (event) => {
          if (!isStopped && event.number === number) {
            isStopped = true;
            first.child.kill("SIGSTOP");
            resolve();
          }
          return "pass";
        };
      });
      await Promise.race([stopped, first.ended]);
      await new Promise((resolve) => setTimeout(resolve, isStopped ? 5_300 : 0));
      await aMinuteLater(arena);
      const second = await ring.control();
      expect([0, 3, 4], second.text).toContain(second.code);
      first.child.kill("SIGCONT");
      const { code, stderr } = await first.ended;
      expect([0, 1, 3, 4], stderr).toContain(code);
      figures.rounds++;
      if (isStopped) figures.stopped++;
      figures.codes.set(code, (figures.codes.get(code) ?? 0) + 1);
      await goOnAfterwards(arena, ring);
    });
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.info(
    `control stopped: ${JSON.stringify({ ...figures, codes: Object.fromEntries(figures.codes) })}, ${seconds} s`,
  );
  expect(figures.stopped).toBeGreaterThan(25);
});
