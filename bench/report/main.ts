/**
 * What a report costs: a database is filled with a month of collections of a large pool, and the report is read, drawn and
 * measured. `npm run bench -- report [hosts vms days secondsApart]`.
 */
import process from "node:process";
import { startProjectServer } from "../../src/privateServer/projectServer.ts";
import { reportPage } from "../../src/report/report.ts";
import { openDatabase, type StoreOptions } from "../../src/store/connection.ts";
import { loadReportFacts } from "../../src/store/load/reportInput.ts";
import { installSchema } from "../../src/store/schema/schema.ts";
import { writeHistory } from "../../test/support/reportData.ts";
import { controlDefaults } from "../same/settings.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const [hosts = 64, vms = 2400, days = 30, everySeconds = 60] = process.argv.slice(2).map(Number);
  const server = await startProjectServer({ name: `bench-report-${process.pid}`, say: () => {} });
  try {
    const options: StoreOptions = {
      servers: [{ host: server.host, port: server.port }],
      user: server.rootUser,
      password: server.rootPassword,
      database: "Xen",
      connectTimeoutMs: 5_000,
      // As the programs have it by default: no statement may take longer.
      statementTimeoutMs: 10_000,
    };
    await installSchema(options);
    const { collections } = await writeHistory(options, {
      hosts,
      vms,
      days,
      everySeconds,
      migrations: 20 * days,
    });
    say(
      `${hosts} hosts, ${vms} VMs, ${collections} collections of ${days} days, ${collections * hosts} samples, ${server.version}`,
    );
    const db = await openDatabase(options);
    const control = controlDefaults();
    for (const since of [1, 7, days]) {
      const cpuBefore = process.cpuUsage();
      const startedMs = performance.now();
      const facts = await loadReportFacts(db, control, since * 86_400);
      const readMs = performance.now() - startedMs;
      const text = reportPage([facts], { version: "bench", by: "bench", at: facts.to });
      const drawnMs = performance.now() - startedMs - readMs;
      const { user, system } = process.cpuUsage(cpuBefore);
      say(
        `${since} d: read ${(readMs / 1000).toFixed(1)} s, drawn ${drawnMs.toFixed(0)} ms, CPU of the program ${((user + system) / 1e6).toFixed(1)} s, page ${(text.length / 1e6).toFixed(2)} MB, highest RSS ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`,
      );
    }
    await db.close();
  } finally {
    await server.stop();
  }
}

await main();
