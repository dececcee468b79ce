/** Breaks one guard at a time in a copy of the project, and sees whether the test that is named notices. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { broken, type Mutant } from "./mutant.ts";
import { compiles, runTests, type TestEnds } from "./testRun.ts";

export class Judge {
  readonly #copy: string;
  readonly #environment: NodeJS.ProcessEnv;
  /** Of a test and its name: what is wrong with it while nothing is broken; "" for nothing. */
  readonly #before = new Map<string, string>();

  constructor(copy: string, environment: NodeJS.ProcessEnv) {
    this.#copy = copy;
    this.#environment = environment;
  }

  /** Breaks the guard, runs the test and mends it again. */
  async judge(mutant: Mutant): Promise<string> {
    // A test that fails anyhow, or is skipped, would prove nothing.
    const before = await this.#wrongBefore(mutant);
    if (before !== "") return before;
    const file = path.join(this.#copy, mutant.file);
    const text = readFileSync(file, "utf8");
    const result = broken(text, mutant);
    if ("wrong" in result) return result.wrong;
    writeFileSync(file, result.text);
    try {
      if (!(await compiles(this.#copy))) return "does not compile: it proves nothing";
      const { failed, problem } = await this.#run(mutant);
      return failed.length > 0 || problem !== null ? "killed" : "lives";
    } finally {
      writeFileSync(file, text);
    }
  }

  async #wrongBefore(mutant: Mutant): Promise<string> {
    const key = `${mutant.test}\0${mutant.named}`;
    const known = this.#before.get(key);
    if (known !== undefined) return known;
    const wrong = wrongWith(await this.#run(mutant));
    this.#before.set(key, wrong);
    return wrong;
  }

  #run({ test, named }: Mutant): Promise<TestEnds> {
    return runTests(this.#copy, test, [named], this.#environment);
  }
}

function wrongWith({ passed, failed, problem }: TestEnds): string {
  if (failed.length > 0) return `its test fails without it: ${failed.join(", ")}`;
  if (problem !== null) return `its test cannot be run: ${problem}`;
  return passed.length === 0 ? "no test of that name was run" : "";
}
