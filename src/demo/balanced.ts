/**
 * A pool whose Workload Balancing server is xcp-wlb: connected, asked where a VM starts, which moves it advises, where the VMs
 * of a host go, and for a report. The pool's side is the simulated pool's own client of such servers.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { AppError } from "../domain/errors.ts";
import { runChild, type ServerBinary } from "../privateServer/children.ts";
import { plural } from "../text/format.ts";
import { padWidth, printable } from "../text/text.ts";
import type { Play, Stage } from "./stage.ts";
import type { Audience } from "./story.ts";
import { hashLine, type RunningWlb, startWlb } from "./wlbServer.ts";
import { openConsole, type XeConsole } from "./xe.ts";

const pool = `
pool "Connected" product=XCP-ng version=8.3 bandwidth=10000
host boss master cpus=4 memory=16384 base-cpu=2%
host blade1 cpus=8 memory=65536 base-cpu=2%
host blade2 cpus=8 memory=32768 base-cpu=2%
vm shop on=boss vcpus=2 memory=1024 cpu=95% mode=pvh
vm wiki on=boss vcpus=2 memory=512 cpu=90% mode=pvh
vm db1 on=blade1 vcpus=2 memory=1024 cpu=30% mode=pvh group=databases
vm db2 vcpus=2 memory=1024 mode=pvh group=databases
`;

/** At the pace of real time: the pool's clock tells what the database's does. */
export const wlbPlay: Play = { scenario: { text: pool }, speed: 1, control: [] };

const server = "localhost";
const user = "wlb";

/** How long a step may take that the pool or the server does by itself. */
const patienceMs = 60_000;

/** Plays it to its end. Throws an AppError where something is not as it is told. */
export async function playWlb(stage: Stage, audience: Audience): Promise<void> {
  const { url, user: poolUser, password: poolPassword } = stage.console;
  const xe = await openConsole({ url, user: poolUser, password: poolPassword });
  const teller = new WlbTeller(stage, audience, xe);
  teller.chapter("1. A pool that is collected, and xcp-wlb beside it");
  await teller.run("collect", []);
  const password = randomBytes(9).toString("hex");
  const wlb = await startWlb(stage, [`WlbUsr=${user}`, await hashLine(password), `WlbNames=${server}`]);
  try {
    teller.say(`$ xcp-wlb\n${wlb.said.trim()}`);
    await acts(teller, wlb, password);
  } finally {
    await wlb.stop();
  }
  audience.write(closing);
}

async function acts(teller: WlbTeller, wlb: RunningWlb, password: string): Promise<void> {
  teller.chapter("2. The administrator connects the pool, on its master");
  await teller.connect(wlb, password);

  teller.chapter("3. A VM is started: db2, which must not share a host with db1");
  await teller.stars("db2");
  await teller.start("db2", "blade2");

  teller.chapter("4. The plan, as xe and XenCenter list it; the administrator applies a move himself");
  await teller.ask("CREATE RULE HOST CpuAverage > 25");
  await teller.configure("AutoBalanceEnabled", "false");
  await teller.pause();
  await teller.run("collect", []);
  const [vm, host] = await teller.plan();
  await teller.apply(vm, host);
  await teller.run("collect", []);
  await teller.pause();
  await teller.run("collect", []);
  await teller.control(/^Applied by an administrator: /m);

  teller.chapter("5. blade2 needs maintenance: its VMs go where the plan has them");
  await teller.evacuate("blade2");

  teller.chapter("6. A report, and the farewell");
  await teller.report("vm_movement_history");
  await teller.disconnect();
}

class WlbTeller {
  readonly #stage: Stage;
  readonly #audience: Audience;
  readonly #xe: XeConsole;

  constructor(stage: Stage, audience: Audience, xe: XeConsole) {
    this.#stage = stage;
    this.#audience = audience;
    this.#xe = xe;
  }

  chapter(title: string): void {
    this.#audience.write(`\n== ${title}\n\n`);
  }

  say(text: string): void {
    this.#audience.write(`${text}\n`);
  }

  /** Longer than a VM's first points on a host are in doubt. */
  async pause(): Promise<void> {
    this.say("(15 s pass)");
    await wait(15_000, undefined, { signal: this.#audience.signal });
  }

  async run(program: ServerBinary, args: readonly string[]): Promise<void> {
    this.say(`$ xcp-${program}${args.map((arg) => ` ${arg}`).join("")}`);
    await this.#child(program, args, this.#audience.write, []);
  }

  /** A run of control that must say what `expected` describes. */
  async control(expected: RegExp): Promise<void> {
    this.say("$ xcp-control");
    let said = "";
    const write = (text: string) => {
      said += text;
      this.#audience.write(text);
    };
    await this.#child("control", [], write, []);
    if (!expected.test(said)) throw failed("the run did not recognise the move");
  }

  async ask(command: string): Promise<void> {
    await this.#child("manager", ["--echo"], this.#audience.write, [command]);
  }

  async connect(wlb: RunningWlb, password: string): Promise<void> {
    const [pool] = Object.keys((await this.#xe.call("pool.get_all_records")) as object);
    this.say("$ xe pool-param-set wlb-verify-cert=true uuid=...");
    await this.#xe.call("pool.set_wlb_verify_cert", pool, true);
    this.say("$ xe pool-install-ca-certificate filename=certificate.pem");
    await this.#xe.call(
      "pool.install_ca_certificate",
      "xcp-wlb.pem",
      await readFile(wlb.certificate, "utf8"),
    );
    await this.#xe.call("pool.certificate_sync");
    const url = `${server}:${wlb.port}`;
    this.say(
      `$ xe pool-initialize-wlb wlb_url=${url} wlb_username=${user} wlb_password=... xenserver_username=... xenserver_password=...`,
    );
    const { user: poolUser, password: poolPassword } = this.#stage.console;
    await this.#xe.call("pool.initialize_wlb", url, user, password, poolUser, poolPassword);
    this.say("$ xe pool-param-set wlb-enabled=true uuid=...");
    await this.#xe.call("pool.set_wlb_enabled", pool, true);
    await this.run("collect", []);
  }

  async stars(vm: string): Promise<void> {
    const ref = await this.#xe.find("VM", vm);
    const found = await this.#until(`${vm} has stars`, () =>
      this.#xe.call("VM.retrieve_wlb_recommendations", ref),
    );
    this.say(`$ xe vm-retrieve-wlb-recommendations vm=${vm}`);
    for (const [host, [, stars = "", id = "", reason = ""]] of entriesOf(found)) {
      const name = padWidth(await this.#xe.nameOf("host", host), 9);
      this.say(
        `  ${name} ${padWidth(stars, 5)} ${reason === "" ? `recommendation ${id}` : printable(reason)}`,
      );
    }
  }

  async start(vm: string, host: string): Promise<void> {
    this.say(`$ xe vm-start vm=${vm}`);
    const ref = await this.#xe.find("VM", vm);
    await this.#xe.call("VM.start", ref, false, false);
    const where = await this.#placeOf(ref);
    if (where !== host) throw failed(`${vm} runs on ${where}, and was to run on ${host}`);
    this.say(
      `${vm} runs on ${where}, where it has the most stars; by free memory alone it would be beside db1`,
    );
  }

  async configure(key: string, value: string): Promise<void> {
    this.say(`$ xe pool-send-wlb-configuration config:${key}=${value}`);
    await this.#xe.call("pool.send_wlb_configuration", { [key]: value });
  }

  /** Shows the plan; its first move. */
  async plan(): Promise<[vm: string, host: string]> {
    const found = await this.#until("there is a plan", async () => {
      const advice = await this.#xe.call("pool.retrieve_wlb_recommendations");
      return entriesOf(advice).length === 0 ? null : advice;
    });
    this.say("$ xe pool-retrieve-wlb-recommendations");
    this.say("  VM        Host      OptID  RecID  Reason");
    const moves: { vm: string; host: string; id: number }[] = [];
    for (const [vm, [, uuid = "", optimization = "", id = "", reason = ""]] of entriesOf(found)) {
      const host = String(await this.#xe.call("host.get_by_uuid", uuid));
      const [vmName, hostName] = [await this.#xe.nameOf("VM", vm), await this.#xe.nameOf("host", host)];
      this.say(
        `  ${padWidth(vmName, 9)} ${padWidth(hostName, 9)} ${padWidth(optimization, 6)} ${padWidth(id, 6)} ${reason}`,
      );
      moves.push({ vm, host, id: Number(id) });
    }
    const [first] = moves.toSorted((a, b) => a.id - b.id);
    if (first === undefined) throw failed("the plan is empty");
    return [first.vm, first.host];
  }

  async apply(vm: string, host: string): Promise<void> {
    const [vmName, hostName] = [await this.#xe.nameOf("VM", vm), await this.#xe.nameOf("host", host)];
    this.say(`$ xe vm-migrate vm=${vmName} host=${hostName}`);
    await this.#xe.call("VM.pool_migrate", vm, host, { live: "true" });
  }

  async evacuate(host: string): Promise<void> {
    const ref = await this.#xe.find("host", host);
    await this.run("collect", []);
    // As soon as the server has seen that collection.
    const found = await this.#until("there are targets", async () => {
      const advice = entriesOf(await this.#xe.call("host.retrieve_wlb_evacuate_recommendations", ref));
      const isWhole = advice.length > 0 && advice.every(([, [word]]) => word === "WLB");
      return isWhole ? advice : null;
    });
    this.say(`$ xe host-retrieve-wlb-evacuate-recommendations host=${host}`);
    const targets = new Map<string, string>();
    for (const [vm, [, uuid = ""]] of found) {
      const target = await this.#xe.nameOf("host", String(await this.#xe.call("host.get_by_uuid", uuid)));
      targets.set(vm, target);
      this.say(`  ${await this.#xe.nameOf("VM", vm)} to ${target}`);
    }
    this.say(`$ xe host-disable host=${host}\n$ xe host-evacuate host=${host}`);
    await this.#xe.call("host.disable", ref);
    await this.#xe.call("host.evacuate", ref);
    for (const [vm, target] of targets) {
      const where = await this.#placeOf(vm);
      if (where !== target)
        throw failed(`${await this.#xe.nameOf("VM", vm)} went to ${where}, not to ${target}`);
    }
    this.say(`${host} is empty`);
  }

  async report(name: string): Promise<void> {
    const [pool] = Object.values(
      (await this.#xe.call("pool.get_all_records")) as Record<string, { uuid: string }>,
    );
    const query = {
      report: name,
      Start: "-1",
      End: "0",
      PoolID: pool?.uuid ?? "",
      UTCOffset: "0",
      LocaleCode: "en",
    };
    this.say(`$ xe pool-retrieve-wlb-report report=${name} Start=-1 End=0 PoolID=... filename=report.xml`);
    const text = await this.#xe.fetched("/wlb_report", query);
    const rows = [...text.matchAll(/<Table>.*?<\/Table>/gs)].map(([row]) => row);
    this.say(`report.xml has ${text.length} characters, and ${plural(rows.length, "row")}:`);
    for (const row of rows) {
      const cell = (column: string) => new RegExp(`<${column}>([^<]*)<`).exec(row)?.[1] ?? "-";
      this.say(
        `  ${printable(cell("vmname"))} from ${printable(cell("from_hostname"))} to ${printable(cell("to_hostname"))}`,
      );
    }
    if (rows.length === 0) throw failed("the report has no rows");
  }

  async disconnect(): Promise<void> {
    this.say("$ xe pool-deconfigure-wlb");
    await this.#xe.call("pool.deconfigure_wlb");
  }

  async #placeOf(vm: string): Promise<string> {
    return this.#xe.nameOf("host", String(await this.#xe.call("VM.get_resident_on", vm)));
  }

  /** What `look` gives as soon as it gives something; a refusal is asked again. */
  async #until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
    const untilMs = performance.now() + patienceMs;
    for (;;) {
      let last: unknown = null;
      const found = await look().catch((error: unknown) => {
        last = error;
        return null;
      });
      if (found !== null) return found;
      if (performance.now() > untilMs) throw failed(`it is not yet so that ${what}`, last);
      await wait(500, undefined, { signal: this.#audience.signal });
    }
  }

  async #child(
    program: ServerBinary,
    args: readonly string[],
    write: (text: string) => void,
    answers: readonly string[],
  ): Promise<void> {
    const settings = this.#stage.settings[program];
    const code = await runChild(program, args, { settings, write, answers, signal: this.#audience.signal });
    if (code !== 0) throw failed(`xcp-${program} ended with exit code ${code}`);
  }
}

function failed(what: string, cause: unknown = null): AppError {
  return new AppError("pool", `${what}; the demo stops here`, cause === null ? {} : { cause });
}

/** What is told of objects, by their refs. */
function entriesOf(map: unknown): [string, string[]][] {
  return Object.entries(map as Record<string, string[]>);
}

const closing = `
docs/wlb.md leads through it with a pool of your own; XenCenter and XCP-ng Center show the same in their tab WLB.
`;
