/**
 * The mutation check: breaks one guard after the other in a copy of the project and runs the test that must notice.
 * npm run soak -- mutants [--only NAME,...] [--check]; exit code 1 where a breakage lives, or cannot be made or judged.
 */
import { existsSync, readFileSync, realpathSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { removeServerFolder } from "../../src/privateServer/privateServer.ts";
import { startProjectServer, workFolder } from "../../src/privateServer/projectServer.ts";
import { copyProject } from "./copy.ts";
import { Judge } from "./judge.ts";
import { mutants } from "./list.ts";
import { broken, type Mutant } from "./mutant.ts";

const say = (line: string) => process.stderr.write(`xcp-balance: ${line}\n`);

/** How one breakage was judged. */
interface Verdict {
  readonly mutant: Mutant;
  /** "killed" is the only good one. */
  readonly word: string;
  readonly seconds: number | null;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: "string" }, check: { type: "boolean" } } });
  const wanted = values.only?.split(",") ?? mutants.map(({ name }) => name);
  const strange = wanted.find((name) => !mutants.some((mutant) => mutant.name === name));
  if (strange !== undefined) {
    say(`no mutant is called ${strange}; there are: ${mutants.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  const chosen = mutants.filter(({ name }) => wanted.includes(name));
  // Compiled, it lies in a folder of its own, from which a link leads to the project's.
  const project = path.dirname(realpathSync(workFolder));
  const stale = chosen.flatMap((mutant) => {
    const wrong = staleness(project, mutant);
    return wrong === null ? [] : [{ mutant, word: wrong, seconds: null }];
  });
  if (values.check === true || stale.length === chosen.length) return tell(stale, chosen.length);
  const sound = chosen.filter((mutant) => !stale.some((each) => each.mutant === mutant));
  return tell([...(await judgeAll(project, sound)), ...stale], chosen.length);
}

/** What is wrong with the list itself: the file, the text or the test is not there any more. */
function staleness(project: string, mutant: Mutant): string | null {
  for (const name of [mutant.file, mutant.test])
    if (!existsSync(path.join(project, name))) return `there is no file ${name}`;
  const result = broken(readFileSync(path.join(project, mutant.file), "utf8"), mutant);
  return "wrong" in result ? result.wrong : null;
}

async function judgeAll(project: string, chosen: readonly Mutant[]): Promise<readonly Verdict[]> {
  const name = `mutants-${process.pid}`;
  const server = await startProjectServer({ name: `test-${name}`, say });
  const parent = path.join(realpathSync(workFolder), name);
  try {
    const copy = copyProject(project, parent);
    const { rootUser, rootPassword, host, port } = server;
    const url = `mysql://${rootUser}:${encodeURIComponent(rootPassword)}@${host}:${port}`;
    const judge = new Judge(copy, { ...process.env, XCP_TEST_MYSQL_URL: url });
    const verdicts: Verdict[] = [];
    for (const mutant of chosen) {
      const began = performance.now();
      const word = await judge.judge(mutant);
      const seconds = (performance.now() - began) / 1000;
      say(`${mutant.name}: ${word}, ${seconds.toFixed(1)} s`);
      verdicts.push({ mutant, word, seconds });
    }
    return verdicts;
  } finally {
    await server.stop();
    await removeServerFolder(path.join(workFolder, `test-${name}`));
    rmSync(parent, { recursive: true, force: true });
  }
}

function tell(verdicts: readonly Verdict[], count: number): number {
  const bad = verdicts.filter(({ word }) => word !== "killed");
  const wide = Math.max(0, ...verdicts.map(({ mutant }) => mutant.name.length));
  for (const { mutant, word, seconds } of verdicts) {
    const time = (seconds === null ? "" : seconds.toFixed(1)).padStart(6);
    process.stdout.write(`${mutant.name.padEnd(wide)} ${time}  ${word}  (${mutant.test}: ${mutant.named})\n`);
  }
  process.stdout.write(
    `${count} mutants, ${count - bad.length} without anything wrong, ${bad.length} to look at\n`,
  );
  return bad.length === 0 ? 0 : 1;
}
