/** The measured parts, each run in a process of its own: node parts.js PART SETTINGS [ARGUMENTS]. Prints JSON. */
import process from "node:process";
import { loadSettings, storeOptions } from "../../src/program/program.ts";
import { openDatabase } from "../../src/store/connection.ts";
import { compareWrites } from "./database.ts";
import { fetchAll } from "./floor.ts";
import { collectTimed } from "./ours.ts";
import { collectSteadily } from "./steady.ts";
import { thesisRun } from "./thesis.ts";

const [part = "", settingsPath = "", ...args] = process.argv.slice(2);
const settings = loadSettings(["xen", "mysql", "collect"], settingsPath);

process.stdout.write(JSON.stringify(await measure()));

async function measure(): Promise<unknown> {
  if (part === "floor") return fetchAll(settings.xen, { parse: true });
  if (part === "fetch") return fetchAll(settings.xen, { parse: false });
  if (part === "thesis") {
    const [hosts, vms] = args.map(Number);
    return thesisRun(settings.xen, storeOptions(settings.mysql), { hosts: hosts ?? 1, vms: vms ?? 1 });
  }
  const db = await openDatabase(storeOptions(settings.mysql));
  try {
    if (part === "ours") return await collectTimed(db, settings);
    if (part === "steady")
      return await collectSteadily(db, settings, { runs: Number(args[0]), everyMs: Number(args[1]) });
    if (part === "database")
      return await compareWrites(db, storeOptions(settings.mysql), Number(args[0] ?? 3));
  } finally {
    await db.close();
  }
  throw new Error(`there is no part ${part}`);
}
