/**
 * npm run bench -- collect [--quick] [--steady] [--size HOSTS,VMS]: the thesis' way of collecting, ours, and the floor, side by side on simulated
 * pools of this machine. Prints the tables of bench/README.md.
 */
import os from "node:os";
import process from "node:process";
import { loadSettings } from "../../src/program/program.ts";
import { type BenchDatabase, type Size, startDatabase, startPool, writeSettings } from "./arena.ts";
import type { WriteTimes } from "./database.ts";
import type { FloorResult } from "./floor.ts";
import { type Measured, medianRun, runCollect, runPart } from "./measured.ts";
import { startMover } from "./mover.ts";
import type { OursResult } from "./ours.ts";
import { readShares } from "./profile.ts";
import type { SteadyResult } from "./steady.ts";
import {
  bytesTable,
  poolTable,
  scaleThesis,
  sharesLine,
  steadyLine,
  steadyTable,
  writesLine,
} from "./tables.ts";
import type { ThesisResult } from "./thesis.ts";

const quick = process.argv.includes("--quick");
/** Only (d), at 20 ms. */
const steadyOnly = process.argv.includes("--steady");
/** Only a pool of this size. */
const only = process.argv[process.argv.indexOf("--size") + 1]?.match(/^(\d+),(\d+)$/);
const [largest = { hosts: 64, vms: 2400 }, ...others]: readonly Size[] = only
  ? [{ hosts: Number(only[1]), vms: Number(only[2]) }]
  : [
      { hosts: 64, vms: 2400 },
      { hosts: 2, vms: 5 },
      { hosts: 16, vms: 400 },
      { hosts: 128, vms: 10_000 },
    ];

const say = (line: string) => void process.stdout.write(`${line}\n`);

const database = await startDatabase();
try {
  const [cpu] = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  say(
    `${os.cpus().length} x ${cpu?.model ?? "?"}, ${memory} GB, Node ${process.versions.node}, ${database.version}`,
  );
  for (const latencyMs of steadyOnly ? [20] : [1, 20])
    await measure(database, largest, latencyMs, quick ? 1 : 5);
  if (!quick) for (const size of others) await measure(database, size, 20, 3);
} finally {
  await database.stop();
}

async function measure(db: BenchDatabase, size: Size, latencyMs: number, runs: number): Promise<void> {
  await db.renew();
  const pool = await startPool(size, latencyMs);
  try {
    const settings = await writeSettings(pool, db);
    say(`\n## ${size.hosts} hosts, ${size.vms} VMs, ${latencyMs} ms\n`);
    // The first run fills the tables, and the simulator's memory of what its records look like as text.
    await runCollect(settings);
    if (steadyOnly) {
      for (const line of steadyTable(await measureSteady(settings, quick ? 6 : 15))) say(line);
      return;
    }
    const whole: Measured<{ durationMs: number }>[] = [];
    const ours: Measured<OursResult>[] = [];
    const floor: Measured<FloorResult>[] = [];
    const fetch: Measured<FloorResult>[] = [];
    for (let run = 0; run < runs; run++) {
      ours.push(await runPart<OursResult>("ours", [settings]));
      floor.push(await runPart<FloorResult>("floor", [settings]));
      fetch.push(await runPart<FloorResult>("fetch", [settings]));
      whole.push(await runCollect(settings));
    }
    const sample = [Math.min(size.hosts, 4), Math.min(size.vms, quick ? 10 : 60)];
    const thesis = await runPart<ThesisResult>("thesis", [settings, ...sample.map(String)]);
    const steady = await measureSteady(settings, quick ? 6 : 15);
    const middle = {
      ours: medianRun(ours),
      floor: medianRun(floor),
      fetch: medianRun(fetch),
      whole: medianRun(whole),
    };
    for (const line of poolTable({ ...middle, steady, thesis: scaleThesis(thesis) })) say(line);
    say(
      `(a) measured on ${sample[0]} hosts and ${sample[1]} VMs and scaled: ${thesis.output.callsPerHost.toFixed(1)} calls and ${thesis.output.perHostMs.toFixed(0)} ms a host, ${thesis.output.callsPerVm.toFixed(1)} calls and ${thesis.output.perVmMs.toFixed(0)} ms a VM`,
    );
    const folder = `${settings}.profile`;
    await runPart("ours", [settings], ["--cpu-prof", `--cpu-prof-dir=${folder}`]);
    say(sharesLine(await readShares(folder)));
    say(steadyLine(steady));
    say(writesLine((await runPart<WriteTimes>("database", [settings, quick ? "1" : "5"])).output));
    for (const line of bytesTable(middle.floor.output.bytes)) say(line);
  } finally {
    await pool.stop();
  }
}

/** Runs 10 seconds apart, while a VM begins to move every 30 seconds: ten times as many as twelve in an hour. */
async function measureSteady(settings: string, runs: number): Promise<Measured<SteadyResult>> {
  const mover = await startMover(loadSettings(["xen"], settings).xen, 30_000);
  try {
    return await runPart<SteadyResult>("steady", [settings, String(runs), "10000"]);
  } finally {
    await mover.stop();
  }
}
