import { expect, test } from "vitest";
import { VirtualClock } from "../../src/simulator/behaviour/clock.ts";

test("timers run at their own times, those due together in the order they were set", async () => {
  const clock = new VirtualClock({ manual: true, startMs: 1000 });
  const seen: string[] = [];
  for (const [name, delay] of Object.entries({ c: 30, a: 10, b: 10, d: 31 })) {
    clock.after(delay, () => seen.push(`${name}@${clock.now()}`));
  }
  await clock.advance(30);
  expect(seen).toEqual(["a@1010", "b@1010", "c@1030"]);
  expect(clock.now()).toBe(1030);
});

test("what awaits a timer goes on before the next timer runs", async () => {
  const clock = new VirtualClock({ manual: true, startMs: 0 });
  const seen: number[] = [];
  const walk = async (): Promise<void> => {
    for (let step = 0; step < 3; step += 1) {
      await clock.sleep(10);
      seen.push(clock.now());
    }
  };
  const walked = walk();
  clock.after(25, () => seen.push(-1));
  await clock.advance(100);
  await walked;
  expect(seen).toEqual([10, 20, -1, 30]);
});

test("a cancelled timer does not run, and a sleep ends with its signal's reason", async () => {
  const clock = new VirtualClock({ manual: true });
  let ran = false;
  clock
    .after(5, () => {
      ran = true;
    })
    .cancel();
  const stop = new AbortController();
  const sleep = clock.sleep(50, stop.signal);
  stop.abort(new Error("enough"));
  await expect(sleep).rejects.toThrow("enough");
  await expect(clock.sleep(50, stop.signal)).rejects.toThrow("enough");
  await clock.advance(100);
  expect(ran).toBe(false);
});

test("a fast clock runs timers by itself, in order, and never goes back", async () => {
  const clock = new VirtualClock({ speed: 10_000, startMs: 0 });
  const times: number[] = [];
  await Promise.all(
    [3000, 1000, 2000].map((delay) => clock.sleep(delay).then(() => times.push(clock.now()))),
  );
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times[2]).toBeGreaterThanOrEqual(3000);
  clock.close();
});

test("a speed that is not a positive number is refused", () => {
  expect(() => new VirtualClock({ speed: 0 })).toThrow(RangeError);
  expect(() => new VirtualClock({ speed: Number.NaN })).toThrow(RangeError);
});
