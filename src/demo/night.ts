/** A night of a small pool under a green rule, in fast motion: hosts are emptied, sleep, and are awake in the morning. */
import { AppError } from "../domain/errors.ts";
import { timeText } from "../domain/hours.ts";
import { runChild, type ServerBinary } from "../privateServer/children.ts";
import { loadHostPower } from "../store/hostPower.ts";
import { loadSnapshot } from "../store/snapshot.ts";
import { fitWidth, padWidth, printable } from "../text/text.ts";
import type { Play, Stage } from "./stage.ts";
import type { Audience } from "./story.ts";

const vms = ["web", "mail", "shop", "wiki", "build", "files", "db1", "db2"] as const;
const hosts = ["boss", "blade1", "blade2", "blade3"] as const;

/** What each VM wants of its CPUs, in percent. */
const [byDay, byNight] = [55, 4];

const pool = `
pool "Night" product=XCP-ng version=8.3 bandwidth=4000
host boss master cpus=8 memory=16384 base-cpu=2%
host blade1 cpus=8 memory=16384 base-cpu=2% power-on=IPMI boot=2m
host blade2 cpus=8 memory=16384 base-cpu=2% power-on=wake-on-lan boot=2m
host blade3 cpus=8 memory=16384 base-cpu=2% power-on=IPMI boot=2m
${vms.map((vm, n) => `vm ${vm} on=${hosts[n % hosts.length]} vcpus=4 memory=1024 cpu=${byDay}% tools`).join("\n")}
`;

export const nightPlay: Play = {
  scenario: { text: pool },
  speed: 30,
  control: [
    "ControlTransfersPerHost=2",
    "GreenDownMinutes=15",
    "GreenUpMinutes=3",
    "GreenLeastOnMinutes=0",
    "GreenLeastAsleepMinutes=5",
    "GreenWakeMinutes=10",
  ],
};

/** A phase of the night is over after so many rounds at the latest. */
const mostRounds = 90;

/** Plays the night to its end. Throws an AppError when hosts do not sleep, or are not awake in the morning. */
export async function playNight(stage: Stage, audience: Audience): Promise<void> {
  const night = new Night(stage, audience);
  night.chapter("1. Four hosts by day; the administrator writes a green rule");
  await night.ask("CREATE RULE GREEN KEEP CpuAverage BELOW 70 AND MemoryFree ABOVE 10 % WITH 1 SPARE HOST");
  await night.ask("SHOW RULES GREEN");
  await night.round();

  night.chapter("2. Evening: the load falls. In fast motion, every minute: xcp-collect, then xcp-control");
  night.setLoad(byNight);
  await night.until("two hosts sleep", (states) => states.filter((state) => state === "asleep").length >= 2);
  await night.ask("SHOW GREEN");

  night.chapter("3. Morning: the load comes back, and who is needed is woken before limits are passed");
  await night.until(
    "everybody is awake",
    (states) => states.every((state) => state === "on") && night.percent >= byDay,
    () => night.setLoad(Math.min(byDay, night.percent + 3)),
  );
  await night.ask("SHOW GREEN");
  audience.write(closing);
}

class Night {
  readonly #stage: Stage;
  readonly #audience: Audience;
  percent = byDay;
  /** Simulated seconds since the evening. */
  #seconds = 0;
  #last = "";

  constructor(stage: Stage, audience: Audience) {
    this.#stage = stage;
    this.#audience = audience;
  }

  chapter(title: string): void {
    this.#audience.write(`\n== ${title}\n\n`);
  }

  async ask(command: string): Promise<void> {
    await this.#child("manager", ["--echo"], this.#audience.write, [command]);
  }

  /** All VMs want so many percent of their CPUs from now on. */
  setLoad(percent: number): void {
    this.percent = percent;
    for (const vm of vms) this.#stage.command(`load ${vm} cpu=${percent}%`);
  }

  async until(
    what: string,
    isOver: (states: readonly string[]) => boolean,
    before: () => void = () => {},
  ): Promise<void> {
    for (let round = 0; round < mostRounds; round++) {
      before();
      await this.round();
      const { states } = await loadHostPower(this.#stage.db);
      if (isOver([...states.values()].map(({ kind }) => kind)) && states.size > 0) return;
    }
    throw new AppError(
      "pool",
      `after ${mostRounds} rounds it is not yet so that ${what}; the demo stops here`,
    );
  }

  /** One minute of cron; what control says is shown where it is news. */
  async round(): Promise<void> {
    const startedMs = performance.now();
    await this.#child("collect", [], () => {});
    let said = "";
    await this.#child("control", [], (text) => {
      said += text;
    });
    await this.#tell(said.split("\n").filter((line) => line !== "" && !boring.test(line)));
    // The database's night is as long as the pool's.
    const seconds = ((performance.now() - startedMs) / 1000) * this.#stage.speed;
    await this.#stage.later(seconds * (1 - 1 / this.#stage.speed));
    this.#seconds += seconds;
  }

  async #tell(lines: readonly string[]): Promise<void> {
    const [reason = "", ...deeds] = lines;
    const news = deeds.length > 0 || reason !== this.#last;
    this.#last = reason;
    if (!news) return;
    this.#audience.write(`${clock(this.#seconds)}  ${await this.#row()}\n`);
    for (const line of lines) this.#audience.write(`       ${printable(line)}\n`);
  }

  /** Each host with its load, or what it is doing: "boss 12 %   blade1 asleep   ..." */
  async #row(): Promise<string> {
    const stored = await loadSnapshot(this.#stage.db);
    if (stored === null) throw new AppError("pool", "the demo's collection was not stored");
    const { states } = await loadHostPower(this.#stage.db);
    return stored.snapshot.hosts
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((host) => {
        const state = states.get(host.uuid)?.kind ?? "on";
        const load = host.cpuAverage === null ? "-" : `${Math.round(host.cpuAverage)} %`;
        return padWidth(fitWidth(`${host.name} ${state === "on" ? load : state.toUpperCase()}`, 16), 17);
      })
      .join(" ");
  }

  async #child(
    program: ServerBinary,
    args: readonly string[],
    write: (text: string) => void,
    answers: readonly string[] = [],
  ): Promise<void> {
    const code = await runChild(program, args, {
      settings: this.#stage.settings[program],
      write,
      answers,
      signal: this.#audience.signal,
    });
    if (!usual[program].includes(code))
      throw new AppError("pool", `xcp-${program} ended with exit code ${code}; the demo stops here`);
  }
}

/**
 * How programs end on any night: collect with 3 where a host goes down while it is read, control with 4 where measures of
 * VMs that have just arrived are not believed yet.
 */
const usual: Readonly<Record<ServerBinary, readonly number[]>> = {
  collect: [0, 3],
  manager: [0],
  control: [0, 4],
};

const boring = /^(Starting Migration|Progress: |End Migration|refused: freshness)|is on \w+$/;

/** "22:40": the night begins at 22:00. */
function clock(seconds: number): string {
  return timeText((22 * 60 + Math.floor(seconds / 60)) % 1440);
}

const closing = `
No VM was stopped or suspended: hosts are emptied by live migration, found empty by the pool itself, and only then
switched off. docs/consolidation.md has the settings; npm run demo shows a rule that balances.
`;
