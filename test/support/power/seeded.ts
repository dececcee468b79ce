/** VMs with day and night, as loads of a pool in virtual time: the same seed gives the same loads. */

import { Random } from "../../../src/planner/search/random.ts";
import { type Design, type Loads, World } from "./world.ts";

/** Whose load: of the day's work, of the night's jobs, or the same at all times. */
type Habit = "day" | "night" | "flat";

interface Nature {
  readonly memoryMb: number;
  readonly vcpus: number;
  readonly habit: Habit;
  readonly peak: number;
  noise: number;
}

/** A pool of hosts of 32 CPUs and 192 GB; time begins on Monday at 00:00. `steady`: every VM takes the same at all times. */
export function seededWorld(hosts: number, vms: number, seed: number, steady = false): World {
  const random = new Random(seed);
  const natures = Array.from({ length: vms }, () => natureOf(random));
  const design: Design = {
    hosts,
    cpus: 32,
    memoryMb: 192 * 1024,
    dom0Mb: 4096,
    guests: natures.map(({ vcpus, memoryMb }, v) => ({ vcpus, memoryMb, home: v % hosts })),
  };
  return new World(design, steady ? () => natures.map(({ peak }) => peak * 0.3) : drifting(natures, random));
}

function natureOf(random: Random): Nature {
  const habit = random.next() < 0.7 ? "day" : random.next() < 0.5 ? "night" : "flat";
  const burst = -Math.log(1 - random.next() * 0.95);
  return {
    memoryMb: [1024, 2048, 2048, 4096, 4096, 8192][random.below(6)] ?? 2048,
    vcpus: [1, 2, 2, 4][random.below(4)] ?? 2,
    habit,
    peak: Math.min(95, 15 + 30 * burst),
    noise: 0,
  };
}

function drifting(natures: readonly Nature[], random: Random): Loads {
  /** How high this day is, of the usual one. */
  let day = 1;
  const drift = (seconds: number) =>
    natures.map((nature) => {
      nature.noise = 0.92 * nature.noise + 0.22 * Math.sqrt(1 - 0.92 ** 2) * 2 * gauss(random);
      const load = nature.peak * shape(nature.habit, seconds, day) * Math.exp(nature.noise * 0.5);
      return Math.max(0.5, Math.min(100, load));
    });
  for (let warm = 0; warm < 29; warm++) drift(0);
  return (seconds) => {
    if (seconds > 0 && seconds % 86_400 === 0) day = 0.85 + 0.3 * random.next();
    return drift(seconds);
  };
}

/** From 0.15 to 1: office hours from 7 to 19, half on weekends; night jobs from 1 to 4. */
function shape(habit: Habit, seconds: number, day: number): number {
  const hour = (seconds / 3600) % 24;
  if (habit === "flat") return 0.4;
  if (habit === "night") return hour >= 1 && hour < 4 ? 0.9 : 0.1;
  const weekend = Math.floor(seconds / 86_400) % 7 >= 5;
  const work = Math.max(0, Math.min(1, Math.min((hour - 7) / 2, (19 - hour) / 2)));
  return 0.12 + 0.88 * work * (weekend ? 0.3 : 1) * day;
}

function gauss(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
