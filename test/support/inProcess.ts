/**
 * Runs a program's body in the process of the tests: all of it from the command line to the exit code, but without Node's start and
 * the loading of modules, which take several times the CPU of a run. What belongs to a process of its own (signals, its
 * environment, its streams) is tested by processes.
 */
import { Readable } from "node:stream";
import { collectProgram } from "../../src/collect/program.ts";
import { controlProgram } from "../../src/control/program.ts";
import { managerProgram } from "../../src/manager/program.ts";
import type { ProgramContext } from "../../src/program/context.ts";
import { reportFailure } from "../../src/program/program.ts";
import { printable } from "../../src/text/text.ts";

export const bodies: ReadonlyMap<string, (context: ProgramContext) => Promise<number>> = new Map([
  ["xcp-collect", collectProgram],
  ["xcp-control", controlProgram],
  ["xcp-manager", managerProgram],
]);

/** No process has such a number: leases and rows tell runs apart by it. */
let pid = 1_000_000_000;

/** What came of a run: its exit code and all that it wrote. */
export interface BodyResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program `name` with `args`, its settings in `folder`, and nothing on standard input. */
export async function runBody(name: string, args: readonly string[], folder: string): Promise<BodyResult> {
  const body = bodies.get(name);
  if (body === undefined) throw new Error(`${name} runs only as a process`);
  const never = new AbortController().signal;
  let stdout = "";
  let stderr = "";
  const context: ProgramContext = {
    name,
    args,
    folder,
    input: () => Readable.from([]),
    signal: never,
    outputClosed: never,
    print: (line) => {
      stdout += `${line}\n`;
    },
    write: async (text) => {
      stdout += text;
    },
    checkOutput: () => {},
    writeError: (text) => {
      stderr += text;
    },
    warn: (line) => {
      stderr += `${name}: ${printable(line)}\n`;
    },
    report: (error) => reportFailure(context, error, null),
    show: null,
    told: new Set(),
    pid: pid++,
    monotonicMs: () => performance.now(),
  };
  const code = await body(context).catch((error: unknown) => context.report(error));
  return { code, stdout, stderr };
}
