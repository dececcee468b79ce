/** Three Galera nodes on this machine, for the tests of MySQL on a cluster. */
import { join } from "node:path";
import { AppError } from "../src/domain/errors.ts";
import { startNodes, stateOf, stopNodes } from "./nodes.ts";
import { runToItsEnd } from "./run.ts";
import { projectFolder, readState, say, stateFile, urlOf } from "./state.ts";

const usage = `usage: npm run galera -- COMMAND
  start        starts three nodes on 127.0.0.1 and prints their URL for XCP_TEST_MYSQL_URL
  stop         stops them
  status       says what each of them is
  test [ARG]   starts them, runs the store's and the crash tests on them (ARG goes to vitest), stops them`;

/** Each returns the exit code. */
const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  async start() {
    process.stdout.write(`${urlOf(await startNodes())}\n`);
    return 0;
  },
  async stop() {
    await stopNodes();
    return 0;
  },
  async status() {
    const state = readState();
    if (state === null) {
      say("no nodes");
      return 0;
    }
    for (const node of state.nodes)
      say(`${node.name} (127.0.0.1:${node.port}): ${await stateOf(state, node)}`);
    return 0;
  },
  async test(args) {
    const url = urlOf(await startNodes());
    const env = { ...process.env, XCP_TEST_MYSQL_URL: url, XCP_TEST_GALERA: stateFile };
    const vitest = join(projectFolder, "node_modules", "vitest", "vitest.mjs");
    const words = [vitest, "run", "--config", "galera/vitest.config.ts", ...args];
    try {
      return await runToItsEnd(process.execPath, words, { cwd: projectFolder, env });
    } finally {
      await stopNodes();
    }
  },
};

const [name = "", ...args] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (command === undefined) {
  process.stderr.write(`${usage}\n`);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await command(args);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
