/** The long crash tests of xcp-control. Their short form is test/programs/crash-control.test.ts. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Arena, openArena } from "../test/support/controlArena.ts";
import { controlRound, goOnAfterwards, strike } from "../test/support/controlCrashes.ts";
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
