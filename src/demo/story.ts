/** Chapter 6 of the thesis, played by the real programs on the stage. */
import { setTimeout as wait } from "node:timers/promises";
import { AppError } from "../domain/errors.ts";
import { runChild, type ServerBinary } from "../privateServer/children.ts";
import { loadSnapshot } from "../store/snapshot.ts";
import { picture } from "./picture.ts";
import type { Play, Stage } from "./stage.ts";

export interface Audience {
  readonly write: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * The pool of the thesis' experiment, at the pace of real time: its migration takes 26 s as the thesis' did, and the
 * pool's clock tells what the database's does, so that no program warns of clocks.
 */
export const thesisPlay: Play = { scenario: { builtin: "thesis" }, speed: 1, control: [] };

/** A host's measures have a point each 5 s; a VM's first two on a new host are not to be believed. */
const believedAfterSeconds = 15;

/** Plays the story to its end. Throws an AppError when a program does not do its part. */
export async function playStory(stage: Stage, audience: Audience): Promise<void> {
  const teller = new Teller(stage, audience);
  teller.chapter("1. xcp-collect reads the pool into MySQL");
  await teller.run("collect", []);
  await teller.drawPool("The pool before: Host2 is hot, Host1 has room");

  teller.chapter("2. The administrator looks and writes a rule in xcp-manager");
  for (const command of ["SHOW VMS", "SHOW HOST Host2"]) await teller.ask(command);
  // The empty line wants no further term; a script is asked for one only when its next line has come.
  await teller.ask("CREATE RULE HOST", ["CpuAverage", "25\n", "Y"]);
  await teller.ask("SHOW RULES HOST");

  teller.chapter("3. xcp-control --dry-run shows what it would do, and touches nothing");
  await teller.run("control", ["--dry-run"]);

  teller.chapter("4. xcp-control keeps the rule");
  await teller.run("control", []);

  teller.chapter("5. xcp-collect sees the pool after the migration");
  await teller.pause();
  await teller.run("collect", []);
  teller.say(
    "A VM's first points on a new host are not to be believed, so the run left them out. The next one has them:",
  );
  await teller.pause();
  await teller.run("collect", []);
  await teller.drawPool("The pool after: nobody is more than 25 % above the mean");

  teller.chapter("6. xcp-control again: nothing to do, and why");
  await teller.run("control", []);
  audience.write(closing);
}

class Teller {
  readonly #stage: Stage;
  readonly #audience: Audience;

  constructor(stage: Stage, audience: Audience) {
    this.#stage = stage;
    this.#audience = audience;
  }

  chapter(title: string): void {
    this.#audience.write(`\n== ${title}\n\n`);
  }

  say(sentence: string): void {
    this.#audience.write(`\n${sentence}\n\n`);
  }

  /** As long as cron waits, and longer than a VM's first points are in doubt. */
  async pause(): Promise<void> {
    this.#audience.write(`(${believedAfterSeconds} s pass)\n`);
    await wait(believedAfterSeconds * 1000, undefined, { signal: this.#audience.signal });
  }

  async run(program: ServerBinary, args: readonly string[]): Promise<void> {
    this.#audience.write(`$ xcp-${program}${args.map((arg) => ` ${arg}`).join("")}\n`);
    await this.#child(program, args, []);
  }

  /** One command at the manager's prompt, with the answers to the questions it asks. */
  async ask(command: string, answers: readonly string[] = []): Promise<void> {
    await this.#child("manager", ["--echo"], [command, ...answers]);
  }

  async drawPool(title: string): Promise<void> {
    const stored = await loadSnapshot(this.#stage.db);
    if (stored === null) throw new AppError("pool", "the demo's collection was not stored");
    this.#audience.write(`\n${title}:\n\n${picture(stored.snapshot).join("\n")}\n`);
  }

  async #child(program: ServerBinary, args: readonly string[], answers: readonly string[]): Promise<void> {
    const code = await runChild(program, args, {
      settings: this.#stage.settings[program],
      write: this.#audience.write,
      answers,
      signal: this.#audience.signal,
    });
    if (code !== 0)
      throw new AppError("pool", `xcp-${program} ended with exit code ${code}; the demo stops here`);
  }
}

const closing = `
== Now your own pool

On a Debian, as README.md and docs/install.md have it: npm run package, apt-get install ./packages/xcp-balance_*_all.deb, and a
folder for the pool with its settings, /etc/xcp-balance/main. There, with the programs called so (in this clone: npx xcp-manager ...):

  1. xcp-manager --settings manager.settings schema install     makes the tables
  2. xcp-collect --settings collect.settings --trust            shows the pool's certificates, and trusts them after a yes
  3. xcp-manager doctor --settings manager.settings             what is still to be filled in, with the commands
  4. xcp-manager --settings manager.settings -e "CREATE RULE SERVE CPU"
  5. xcp-control --settings control.settings --dry-run          what would move, and why; nothing is touched

docs/first-week.md goes on from there: nothing moves before you want it. To try rules without a pool: xcp-sim --help
`;
